"""The files of a model folder, found without trusting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.diamond.errors import ModelFolderError

if TYPE_CHECKING:
    from pathlib import Path


def file_in(folder: Path, name: str) -> Path:
    """The file of that name, which may lie in a folder below.

    A link may lead out of the folder only where the hub's cache puts it: from below `snapshots` to `blobs` beside it.

    Raises:
        ModelFolderError: there is no such file, or it lies elsewhere.
    """
    if not folder.is_dir():
        raise ModelFolderError(f"There is no model folder {folder}.")
    path = folder / name
    if not path.is_file():
        raise ModelFolderError(f"The model folder lacks {name}.")
    place = folder.resolve()
    roots = [place, *(parent.parent / "blobs" for parent in place.parents if parent.name == "snapshots")]
    if not any(path.resolve().is_relative_to(root) for root in roots):
        raise ModelFolderError(f"{name} is a link that leads out of the model folder. Put the file itself there.")
    return path
