"""Puts an engine's card into the page that explains it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

END: Final = "<!-- end -->"
_PICTURES: Final = ("card.png", "card_strip.png", "truth.png", "truth_strip.png")


def begin_of(model_id: str) -> str:
    """The mark of an engine's place in the page."""
    return f"<!-- written by `python -m training.evaluate {model_id} --docs`: begin -->"


def put_into_page(page: Path, folder: Path, model_id: str) -> None:
    """The card between the engine's marks in the page, its plots and strips in `images` beside it.

    Raises:
        ValueError: the page has no such marks.
    """
    text, mark = page.read_text(encoding="utf-8"), begin_of(model_id)
    before, begin, rest = text.partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the card: '{mark}' and '{END}' are missing.")
    table = (folder / "card.md").read_text(encoding="utf-8")
    images, name = page.parent / "images", model_id.rpartition("/")[2]
    images.mkdir(exist_ok=True)
    shown: list[str] = []
    for picture in _PICTURES:
        if (folder / picture).exists():
            shutil.copyfile(folder / picture, images / f"{name}_{picture}")
            shown.append(f"![{name}: {picture.removesuffix('.png').replace('_', ' ')}](images/{name}_{picture})")
    pictures = "\n".join(shown)
    page.write_text(f"{before}{begin}\n\n{table}\n{pictures}\n\n{END}{after}", encoding="utf-8")
