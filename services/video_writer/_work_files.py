"""What lies beside a recording until it is a complete file, and whose it is."""

from __future__ import annotations

import os
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
_NEW_JOB_SUFFIX: Final = ".job-new"  # on its way to be a job: of a recording that is just beginning, perhaps


class ProcessMark(BaseModel):
    """A process, told apart from a later one with the same number."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created_at: float

    @classmethod
    def of(cls, pid: int | None = None) -> ProcessMark | None:
        """The mark of a process, this one by default; None when it is gone."""
        try:
            process = psutil.Process(pid)
            return cls(pid=process.pid, created_at=process.create_time())
        except psutil.Error:
            return None

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            is_alive = process.create_time() == self.created_at and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if is_alive else None


class Job(BaseModel):
    """What it takes to finish a recording after the process that began it has gone.

    `owner` is that process, None once it let go of the recording. `captions` are (microseconds, text).
    """

    model_config = ConfigDict(frozen=True)

    plan: RecordingPlan
    encoder_name: str
    owner: ProcessMark | None
    encoder: ProcessMark | None = None
    captions: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkFiles:
    """The files of one recording. All begin with the name of the complete one, `path`."""

    path: Path

    @property
    def part(self) -> Path:
        """What is encoded so far: a fragmented MP4, which plays."""
        return self._beside(PART_SUFFIX)

    @property
    def new(self) -> Path:
        """The complete file while it is written."""
        return self._beside(_NEW_SUFFIX)

    @property
    def first(self) -> Path:
        """The part in another form, to be joined with `rest`."""
        return self._beside(_NEW_SUFFIX + "-first")

    @property
    def rest(self) -> Path:
        """The encoded form of what waited on the disk."""
        return self._beside(_NEW_SUFFIX + "-rest")

    @property
    def job(self) -> Path:
        return self._beside(_JOB_SUFFIX)

    @property
    def joining(self) -> Path:
        """The list of parts to be joined, for ffmpeg."""
        return self._beside(_NEW_SUFFIX + "-list")

    def spool(self, number: int) -> Path:
        return self._beside(f"{_SPOOL_SUFFIX}{number:06}")

    def spools(self) -> list[Path]:
        """The chunks of what waits on the disk, in order."""
        prefix = self.path.name + _SPOOL_SUFFIX
        try:
            return sorted(file for file in self.path.parent.iterdir() if file.name.startswith(prefix))
        except OSError:
            return []

    def save_job(self, job: Job) -> None:
        """Raises OSError."""
        self._new_job.write_text(job.model_dump_json(), encoding="utf-8")
        self._new_job.replace(self.job)

    def load_job(self) -> Job | None:
        """None if there is none, or it cannot be understood."""
        try:
            return Job.model_validate_json(self.job.read_bytes())
        except (OSError, ValidationError):
            return None

    def remove_attempt(self) -> None:
        """What was made on the way to the complete file. What was recorded stays."""
        for file in (self.new, self.first, self.rest, self.joining, self._new_job):
            with suppress(OSError):  # in the way of nobody
                file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Everything but the complete file. The job goes last: as long as it is there, `recover` tries again.

        Raises:
            OSError: something stays.
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
    """Every recording of `folder` that something lies beside, by name. Raises OSError."""
    names: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.rpartition(".")
            if stem.endswith(".mp4") and f".{suffix}".startswith(_SUFFIXES) and f".{suffix}" != _NEW_JOB_SUFFIX:
                names.add(stem)
    return [WorkFiles(folder / name) for name in sorted(names)]
