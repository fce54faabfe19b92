"""Where the films of jobs lie: a folder for each job, which goes with it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from services.film_maker.film_maker import FilmError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_JOB: Final = re.compile(r"[0-9A-Z]{26}")
_FILM: Final = "film.mp4"


class FilmFolder:
    """Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, job_id: str) -> Path:
        """Where the film of a job is to be written; what an earlier attempt has left is removed.

        Raises:
            FilmError: the folder cannot be written.
        """
        folder = self._of(job_id)
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        except OSError as error:
            raise FilmError(f"The folder for films cannot be written: {error.strerror}.") from error
        return folder / _FILM

    def find(self, job_id: str) -> Path | None:
        film = self._of(job_id) / _FILM
        return film if film.is_file() else None

    def remove(self, job_id: str) -> None:
        """What cannot be removed is left for `sweep`."""
        shutil.rmtree(self._of(job_id), ignore_errors=True)

    def sweep(self, known: Collection[str]) -> None:
        """Remove the films of jobs that nobody knows any more."""
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                if _JOB.fullmatch(folder.name) and folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)

    def _of(self, job_id: str) -> Path:
        if not _JOB.fullmatch(job_id):
            raise ValueError(job_id)
        return self._folder / job_id
