"""Completes recordings that an earlier process left unfinished, or that were postponed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil
import structlog

from services.video_writer._errors import RecordingError, from_os_error, sentence_of
from services.video_writer._mp4_facts import read_facts
from services.video_writer._sealing import Sealer
from services.video_writer.video_writer import Failed, Finished, VideoError

if TYPE_CHECKING:
    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._work_files import Job, WorkFiles
    from services.video_writer.video_writer import RecordingOutcome

_logger = structlog.stdlib.get_logger(__name__)

# When a server is killed, its ffmpeg sees the end of its input and completes the part. This is how long that may take.
_ORPHAN_PATIENCE_S: Final = 5.0


class Recovery:
    """The recovery of one recording. Another thread can end it with `sealer.stop`."""

    def __init__(self, files: WorkFiles, tools: FfmpegTools) -> None:
        self.sealer: Final = Sealer(files, tools)
        self._files = files
        self._job = files.load_job()

    @property
    def is_ours(self) -> bool:
        """Whether no running process works on the recording."""
        return self._job is None or self._job.owner is None or self._job.owner.find() is None

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
                "A recording could not be recovered",
                file=self._files.path.name,
                fault=error.fault.value,
                reason=str(error),
            )
            return Failed(self._files.path, error.fault, sentence_of(error.fault), None)
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
