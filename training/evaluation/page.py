"""Puts what an evaluation wrote into the page that explains it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

BEGIN: Final = "<!-- written by `python -m training.evaluate --docs`: begin -->"
END: Final = "<!-- end -->"
_PICTURES: Final = ("evaluation.png", "evaluation_strip.png")


def put_into_page(page: Path, folder: Path) -> None:
    """The table between the page's marks, the pictures in `images` beside it.

    Raises:
        ValueError: the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the table: '{BEGIN}' and '{END}' are missing.")
    table = (folder / "evaluation.md").read_text(encoding="utf-8")
    images = page.parent / "images"
    images.mkdir(exist_ok=True)
    for name in _PICTURES:
        shutil.copyfile(folder / name, images / name)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{after}", encoding="utf-8")
