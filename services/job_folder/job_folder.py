"""Where the files of jobs lie: a folder for each job, which goes with it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.job_store.job import JobFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from services.job_store.job import Job, JobId

_JOB: Final = re.compile(r"[0-9A-Z]{26}")
_NAME: Final = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,99}")


class JobFolderError(RuntimeError):
    """`str()` is a sentence: the folder cannot be written or read."""


class JobFolder:
    """Every method blocks. Names of files are plain: without folders, and not hidden."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, job_id: JobId, *, goes_on: bool = False) -> Path:
        """Where a job may write. What an earlier attempt has left is removed, unless the job goes on with it.

        Raises:
            JobFolderError: the folder cannot be written.
        """
        folder = self._of(job_id)
        try:
            if folder.exists() and not goes_on:
                shutil.rmtree(folder)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobFolderError(f"The folder for the files of jobs cannot be written: {error.strerror}.") from error
        return folder

    def seal(self, job_id: JobId, role: str, name: str) -> JobFile:
        """Force a file that a job has made to the disk; what is to be known of it.

        Raises:
            JobFolderError: it is not there, or cannot be written.
        """
        try:
            with self._file(job_id, name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.seek(0, os.SEEK_END)
                os.fsync(file.fileno())
        except OSError as error:
            raise JobFolderError(f"A file of this job cannot be kept: {error.strerror}.") from error
        return JobFile(role=role, path=name, bytes=size, digest=digest)

    def find(self, job_id: JobId, file: JobFile) -> Path | None:
        """A file of a job; None: it is gone, or is not what it was."""
        path = self._file(job_id, file.path)
        try:
            return path if path.stat().st_size == file.bytes else None
        except OSError:
            return None

    def left(self, job: Job) -> tuple[JobFile, ...]:
        """Those of the job's files that are still there."""
        return tuple(file for file in job.files if self.find(job.id, file) is not None)

    def remove(self, job_id: JobId) -> None:
        """What cannot be removed is left for `sweep`."""
        shutil.rmtree(self._of(job_id), ignore_errors=True)

    def sweep(self, owned: Mapping[JobId, Collection[str] | None]) -> None:
        """Remove the folders of jobs that nobody knows any more, and files that are not among a job's own.

        `owned` has the names of each known job's files; None: it still works with whatever is there.
        """
        if not self._folder.is_dir():
            return
        for folder in self._folder.iterdir():
            if not _JOB.fullmatch(folder.name):
                continue
            names = owned.get(folder.name, ())
            if names is None:
                continue
            if not names:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            for path in folder.iterdir():
                if path.name not in names:
                    with suppress(OSError):
                        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _of(self, job_id: JobId) -> Path:
        if not _JOB.fullmatch(job_id):
            raise ValueError(job_id)
        return self._folder / job_id

    def _file(self, job_id: JobId, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        return self._of(job_id) / name
