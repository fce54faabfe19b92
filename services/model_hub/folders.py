"""Where on this machine the files of a model lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.model_hub.hub_cache import main_snapshot, snapshots_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.model_hub.repository import Repository


def folder_of(repository: Repository, cache_dir: Path, models_dir: Path | None) -> Path | None:
    """The first folder that has a file for each of the repository's patterns; None: there is none.

    `models_dir` holds models as `owner/name`, and comes before the cache. Reads directories alone: whether the files
    are whole is for those who load them.
    """
    candidates = _candidates(repository, cache_dir, models_dir)
    return next((folder for folder in candidates if all(_matches(folder, one) for one in repository.files)), None)


def has_part_of(repository: Repository, cache_dir: Path, models_dir: Path | None) -> bool:
    """Whether some of the repository's files are there."""
    return any(
        _matches(folder, pattern)
        for folder in _candidates(repository, cache_dir, models_dir)
        for pattern in repository.files
    )


def _candidates(repository: Repository, cache_dir: Path, models_dir: Path | None) -> Iterator[Path]:
    if models_dir is not None:
        yield models_dir / repository.model_id
    if repository.revision == "main":
        if (main := main_snapshot(cache_dir, repository.model_id)) is not None:
            yield main
    else:
        yield snapshots_folder(cache_dir, repository.model_id) / repository.revision


def _matches(folder: Path, pattern: str) -> bool:
    try:
        return any(path.is_file() for path in folder.glob(pattern))
    except OSError:
        return False
