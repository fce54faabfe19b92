"""Completes recordings that an earlier process left unfinished, or that were postponed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil
import structlog

from services.video_writer._errors import RecordingError, from_os_error, incomplete_sentence_of
from services.video_writer._mp4_facts import fragments_duration_s, read_facts
from services.video_writer._sealing import Sealer
from services.video_writer._work_files import ProcessMark
from services.video_writer.video_writer import Finished, Incomplete, VideoError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._work_files import Job, WorkFiles
    from services.video_writer.video_writer import RecordingFault, RecordingOutcome

_logger = structlog.stdlib.get_logger(__name__)

# When a server is killed, its ffmpeg sees the end of its input and completes the part. This is how long that may take.
_ORPHAN_PATIENCE_S: Final = 5.0


class Recovery:
    """The recovery of one recording. Another thread can end it with `sealer.stop`."""

    def __init__(self, files: WorkFiles, tools: FfmpegTools, free_bytes: Callable[[Path], int]) -> None:
        self.sealer: Final = Sealer(files, tools, free_bytes)
        self._files = files
        self._job = files.load_job()

    @property
    def is_ours(self) -> bool:
        """Whether no other process works on the recording. On a full disk, a job keeps its owner after its end.

        What another machine has begun is left to the servers there.
        """
        owner = None if self._job is None else self._job.owner
        if owner is not None and owner.is_elsewhere:
            return False
        return owner is None or owner == ProcessMark.of() or owner.find() is None

    def run(self) -> RecordingOutcome:
        """Complete the recording.

        Raises:
            SealingStoppedError: `sealer.stop` was called.
        """
        try:
            if self._job is not None:
                _wait_for_orphan(self._job)
            outcome = self._published() or self.sealer.seal(self._job)
        except RecordingError as error:
            _logger.warning(
                "A recording could not be completed",
                file=self._files.path.name,
                fault=error.fault.value,
                reason=str(error),
            )
            return incomplete(self._files, self._job, error.fault)
        _logger.info("A recording was recovered", file=self._files.path.name, outcome=type(outcome).__name__)
        return outcome

    def _published(self) -> Finished | None:
        """The complete file, if the earlier process got that far. Its work files are removed."""
        try:
            facts = read_facts(self._files.path)
        except VideoError:
            return None
        if self._job is None or facts.metadata != self._job.plan.metadata:
            return None  # a different file has this name
        try:
            self._files.remove()
        except OSError as error:
            raise from_os_error(error) from error
        return Finished(self._files.path, facts.duration_s, facts.frames, facts.size_bytes)


def incomplete(files: WorkFiles, job: Job | None, fault: RecordingFault) -> Incomplete:
    return Incomplete(
        path=files.path,
        fault=fault,
        sentence=incomplete_sentence_of(fault),
        duration_s=fragments_duration_s(files.part),
        metadata=None if job is None else job.plan.metadata,
    )


def _wait_for_orphan(job: Job) -> None:
    orphan = job.encoder.find() if job.encoder is not None else None
    if orphan is None:
        return
    try:
        orphan.wait(_ORPHAN_PATIENCE_S)
    except psutil.TimeoutExpired:
        orphan.kill()
    except psutil.Error:
        return
