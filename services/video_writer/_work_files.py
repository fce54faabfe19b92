"""The work files of a recording, which lie beside its path until it is complete, and the process that owns them."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from services.video_writer.video_writer import RecordingPlan

if TYPE_CHECKING:
    from pathlib import Path

PART_SUFFIX: Final = ".part"
_JOB_SUFFIX: Final = ".job"
_NEW_SUFFIX: Final = ".new"
_SPOOL_SUFFIX: Final = ".spool-"
_SUFFIXES: Final = (PART_SUFFIX, _JOB_SUFFIX, _NEW_SUFFIX, _SPOOL_SUFFIX)
_NEW_JOB_SUFFIX: Final = ".job-new"  # a job file while it is written; its recording may be just beginning


class ProcessMark(BaseModel):
    """Identifies a process. The creation time distinguishes it from a later process with the same id.

    `machine` is the name of the one that it runs on; empty where that was not kept, which is taken for this one.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    created_at: float
    machine: str = ""

    @classmethod
    def of(cls, pid: int | None = None) -> ProcessMark | None:
        """The mark of the process `pid`, by default of this one. None: no such process exists."""
        try:
            process = psutil.Process(pid)
            return cls(pid=process.pid, created_at=process.create_time(), machine=socket.gethostname())
        except psutil.Error:
            return None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs, or ran, on another machine, so that nobody can tell here."""
        return self.machine not in ("", socket.gethostname())

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            is_alive = process.create_time() == self.created_at and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if is_alive else None


class Job(BaseModel):
    """What is needed to complete a recording after the process that began it has ended.

    `owner` is that process, or None once it has given up the recording. `captions` are (microseconds, text).
    """

    model_config = ConfigDict(frozen=True)

    plan: RecordingPlan
    encoder_name: str
    owner: ProcessMark | None
    encoder: ProcessMark | None = None
    captions: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkFiles:
    """The paths of one recording's work files. Each is `path`, the complete file, with a suffix."""

    path: Path

    @property
    def part(self) -> Path:
        """The video encoded so far: a fragmented MP4, which players can open."""
        return self._beside(PART_SUFFIX)

    @property
    def new(self) -> Path:
        """The complete file while it is being written."""
        return self._beside(_NEW_SUFFIX)

    @property
    def first(self) -> Path:
        """A copy of the part with an index, so that it can be joined with `rest`."""
        return self._beside(_NEW_SUFFIX + "-first")

    @property
    def rest(self) -> Path:
        """The video of the frames that waited on disk."""
        return self._beside(_NEW_SUFFIX + "-rest")

    @property
    def job(self) -> Path:
        return self._beside(_JOB_SUFFIX)

    @property
    def joining(self) -> Path:
        """The list of files to join, for ffmpeg."""
        return self._beside(_NEW_SUFFIX + "-list")

    def spool(self, number: int) -> Path:
        return self._beside(f"{_SPOOL_SUFFIX}{number:06}")

    def spools(self) -> list[Path]:
        """The existing spool chunks, in order."""
        prefix = self.path.name + _SPOOL_SUFFIX
        try:
            return sorted(file for file in self.path.parent.iterdir() if file.name.startswith(prefix))
        except OSError:
            return []

    def save_job(self, job: Job) -> None:
        """Replace the job file atomically.

        Raises:
            OSError: the file cannot be written.
        """
        try:
            self._new_job.write_text(job.model_dump_json(), encoding="utf-8")
            self._new_job.replace(self.job)
        except OSError:
            with suppress(OSError):
                self._new_job.unlink(missing_ok=True)
            raise

    def load_job(self) -> Job | None:
        """Read the job file. None: it is missing or invalid."""
        try:
            return Job.model_validate_json(self.job.read_bytes())
        except (OSError, ValidationError):
            return None

    def remove_attempt(self) -> None:
        """Remove the intermediate files of sealing. The recorded data stay."""
        for file in (self.new, self.first, self.rest, self.joining, self._new_job):
            with suppress(OSError):  # a file that stays does no harm
                file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all work files. The job file goes last, because `recover` tries again as long as it exists.

        Raises:
            OSError: a file cannot be removed.
        """
        self.remove_attempt()
        for file in (*self.spools(), self.part, self.job):
            file.unlink(missing_ok=True)

    @property
    def _new_job(self) -> Path:
        return self._beside(_NEW_JOB_SUFFIX)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def unfinished_in(folder: Path) -> list[WorkFiles]:
    """The recordings in `folder` that still have work files, sorted by name.

    Raises:
        OSError: the folder cannot be read.
    """
    names: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.rpartition(".")
            if stem.endswith(".mp4") and f".{suffix}".startswith(_SUFFIXES) and f".{suffix}" != _NEW_JOB_SUFFIX:
                names.add(stem)
    return [WorkFiles(folder / name) for name in sorted(names)]
