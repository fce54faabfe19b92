"""How a recording that has its frames becomes a file, is left to `recover`, or goes.

After a failure, what was recorded before it is still completed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from services.video_writer._errors import RecordingError, from_os_error, sentence_of
from services.video_writer._recovery import incomplete
from services.video_writer._sealing import Sealer, SealingStoppedError
from services.video_writer.video_writer import Discarded, Failed, Finished, Incomplete, Postponed, RecordingFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._work_files import Job, WorkFiles
    from services.video_writer.video_writer import RecordingOutcome

_logger = structlog.stdlib.get_logger(__name__)


class Disposition(Enum):
    """What shall happen with a recording."""

    KEEP = auto()
    POSTPONE = auto()
    DISCARD = auto()


class RecordingEnd:
    """`claim` and `conclude` block. All other methods return at once, on any thread."""

    def __init__(self, files: WorkFiles, tools: FfmpegTools, free_bytes: Callable[[Path], int]) -> None:
        self._files = files
        self._sealer = Sealer(files, tools, free_bytes)
        self._lock = threading.Lock()
        self._disposition = Disposition.KEEP
        self._fault: RecordingError | None = None

    def claim(self, job: Job) -> None:
        """Claim the recording's name by writing its job file.

        Raises:
            RecordingError: the name is taken, or the folder is not writable.
        """
        path = self._files.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() or self._files.job.exists() or self._files.part.exists():
                raise RecordingError(RecordingFault.NAME_TAKEN, "A file with this name exists.")
            self._files.save_job(job)
        except OSError as error:
            raise from_os_error(error) from error

    def set(self, disposition: Disposition) -> bool:
        """Set what shall happen, and end the sealing. Discarding cannot be undone: False says that it was."""
        with self._lock:
            if self._disposition is Disposition.DISCARD:
                return False
            self._disposition = disposition
        self._sealer.stop()
        return True

    def is_set_to(self, disposition: Disposition) -> bool:
        with self._lock:
            return self._disposition is disposition

    def note(self, error: RecordingError) -> bool:
        """Note why no more frames can be recorded. True: it is the first reason, and somebody should be told."""
        with self._lock:
            if self._fault is not None or self._disposition is not Disposition.KEEP:
                return False
            self._fault = error
            return True

    def refused(self, error: RecordingError) -> RecordingOutcome:
        """For a recording that could not be begun."""
        return Failed(self._files.path, error.fault, sentence_of(error.fault), None)

    def conclude(
        self, job: Job, *, on_sealing: Callable[[], None], on_error: Callable[[RecordingError], None]
    ) -> RecordingOutcome:
        """Seal the file, or do with it what was set. Nothing writes into the work files any more."""
        if self.is_set_to(Disposition.DISCARD):
            return self._discard()
        if self.is_set_to(Disposition.POSTPONE):
            return self._leave_to_recovery(job, Postponed(self._files.path))
        on_sealing()
        try:
            result = self._sealer.seal(job)
        except SealingStoppedError:
            return (
                self._discard()
                if self.is_set_to(Disposition.DISCARD)
                else self._leave_to_recovery(job, Postponed(self._files.path))
            )
        except RecordingError as error:
            on_error(error)
            return self._leave_to_recovery(job, incomplete(self._files, job, error.fault))
        if self.is_set_to(Disposition.DISCARD):  # discarded after the last check in `seal`
            return self._discard()
        if self._fault is None:
            return result
        kept = result if isinstance(result, Finished) else None
        return Failed(self._files.path, self._fault.fault, sentence_of(self._fault.fault), kept)

    def _leave_to_recovery(self, job: Job, outcome: Postponed | Incomplete) -> Postponed | Incomplete:
        """Give up ownership of the files, so that `recover` may finish them."""
        with suppress(OSError):  # then the ownership ends with this process
            self._files.save_job(job.model_copy(update={"owner": None, "encoder": None}))
        return outcome

    def _discard(self) -> Discarded:
        try:
            self._files.remove()
            self._files.path.unlink(missing_ok=True)
        except OSError as error:
            _logger.warning(
                "Files of a discarded recording could not be removed",
                file=self._files.path.name,
                reason=error.strerror,
            )
        return Discarded(self._files.path)
