"""Finds the files of a model's folder without trusting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def file_in(folder: Path, name: str, refusal: Callable[[str], Exception], *, hint: Callable[[], str] = str) -> Path:
    """The file of that name, which may lie in a folder below.

    A link may lead out of the folder only where the hub's cache puts it: from below `snapshots` to `blobs` beside it.
    What `refusal` makes of a sentence is raised where there is no such folder or file, or the file lies elsewhere.
    `hint` is what to say besides of a file that is not there.
    """
    if not folder.is_dir():
        raise refusal(f"There is no model folder {folder}.")
    path = folder / name
    if not path.is_file():
        raise refusal(f"The model folder lacks {name}.{hint()}")
    place = folder.resolve()
    roots = [place, *(parent.parent / "blobs" for parent in place.parents if parent.name == "snapshots")]
    if not any(path.resolve().is_relative_to(root) for root in roots):
        raise refusal(f"{name} is a link that leads out of the model folder. Put the file itself there.")
    return path
