"""The life of one recording: it is encoded while it runs, then completed, postponed or discarded.

After a failure, what was recorded before it is still completed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import structlog

from services.video_writer._backlog import Backlog, MemoryLimits
from services.video_writer._captions import Captions
from services.video_writer._errors import RecordingError, from_os_error, sentence_of
from services.video_writer._live_encoding import LiveEncoding
from services.video_writer._matroska import stream_header
from services.video_writer._recovery import incomplete
from services.video_writer._sealing import Sealer, SealingStoppedError
from services.video_writer._spool import Spool, free_bytes
from services.video_writer._work_files import Job, ProcessMark
from services.video_writer.video_writer import Discarded, Failed, Finished, Incomplete, Postponed, RecordingFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import RecordingOutcome, RecordingPlan

_logger = structlog.stdlib.get_logger(__name__)

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Bounds for each recording. `reserve_bytes` of the disk stay free, besides the room to complete the file."""

    memory: MemoryLimits = field(default_factory=MemoryLimits)
    spool_bytes: int = 8192 * _MIB
    spool_chunk_bytes: int = 64 * _MIB
    reserve_bytes: int = 128 * _MIB
    free_bytes: Callable[[Path], int] = free_bytes


class Disposition(Enum):
    """What shall happen with a recording."""

    KEEP = auto()
    POSTPONE = auto()
    DISCARD = auto()


class RecordingRun:
    """`run` and `spill` each block a thread of their own. All other methods return at once, on any thread."""

    def __init__(
        self,
        files: WorkFiles,
        plan: RecordingPlan,
        tools: FfmpegTools,
        limits: WriterLimits,
        *,
        on_interrupt: Callable[[RecordingError], None],
        on_sealing: Callable[[], None],
    ) -> None:
        """`on_interrupt` is called at most once, when an error means that no more frames can be recorded."""
        self._files = files
        self._tools = tools
        self._limits = limits
        self._on_interrupt = on_interrupt
        self._on_sealing = on_sealing
        self._job = Job(plan=plan, encoder_name="", owner=ProcessMark.of())
        self._spool = Spool(
            files,
            stream_header(plan.width, plan.height, plan.fps),
            max_bytes=limits.spool_bytes,
            reserve_bytes=limits.reserve_bytes,
            free_bytes=limits.free_bytes,
            chunk_bytes=limits.spool_chunk_bytes,
        )
        self.backlog: Final = Backlog(self._spool, limits.memory)
        self.captions: Final = Captions(tools)
        self._sealer = Sealer(files, tools, limits.free_bytes)
        self._may_spill = threading.Event()  # set once the folder exists, or the recording has failed
        self._has_spilled = threading.Event()
        self._lock = threading.Lock()
        self._disposition = Disposition.KEEP
        self._fault: RecordingError | None = None
        self._encoding: LiveEncoding | None = None

    def run(self) -> RecordingOutcome:
        try:
            self._prepare()
        except RecordingError as error:
            self._interrupt(error)
            return Failed(self._files.path, error.fault, sentence_of(error.fault), None)
        finally:
            self._may_spill.set()
        try:
            is_encoded = self._encode_and_wait()
            return self._conclude(is_encoded=is_encoded)
        finally:
            self._spool.close()

    def spill(self) -> None:
        """Move frames to disk when memory holds too many, until the recording ends."""
        self._may_spill.wait()
        try:
            self.backlog.spill_until_closed()
        except RecordingError as error:
            self._interrupt(error)
        finally:
            self._has_spilled.set()

    def stop(self, disposition: Disposition) -> None:
        """Stop encoding and set what shall happen with the recording. Discarding cannot be undone."""
        with self._lock:
            if self._disposition is Disposition.DISCARD:
                return
            self._disposition = disposition
        self.backlog.abort()
        self._sealer.stop()

    def kill_encoder(self) -> None:
        with self._lock:
            encoding = self._encoding
        if encoding is not None:
            encoding.kill()

    def _is_set_to(self, disposition: Disposition) -> bool:
        with self._lock:
            return self._disposition is disposition

    def _interrupt(self, error: RecordingError) -> None:
        with self._lock:
            if self._fault is not None or self._disposition is not Disposition.KEEP:
                return
            self._fault = error
        self.backlog.close()
        self._on_interrupt(error)

    def _prepare(self) -> None:
        """Claim the recording's name by writing its job file.

        Raises:
            RecordingError: the name is taken, or the folder is not writable.
        """
        path = self._files.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() or self._files.job.exists() or self._files.part.exists():
                raise RecordingError(RecordingFault.NAME_TAKEN, "A file with this name exists.")
            self._files.save_job(self._job)
        except OSError as error:
            raise from_os_error(error) from error

    def _encode_and_wait(self) -> bool:
        """Encode, and wait until nothing is written to disk any more. True: the part contains every frame."""
        try:
            return self._encode()
        except RecordingError as error:
            self._interrupt(error)
            return False
        finally:
            self.backlog.abort()
            self._has_spilled.wait()

    def _encode(self) -> bool:
        """Encode until the recording ends. True: the part contains every frame.

        Raises:
            RecordingError: encoding failed.
        """
        encoder = self._tools.choose_encoder(self._job.plan)
        if not self.backlog.wait_for_first():
            return not self.backlog.is_aborted
        encoding = LiveEncoding(
            self._tools.executable(), self._job.plan, encoder, self._files, has_room_for=self._has_room_for
        )
        mark = ProcessMark.of(encoding.pid)
        self._job = self._job.model_copy(update={"encoder_name": encoder.name, "encoder": mark})
        with self._lock:
            self._encoding = encoding
            is_unwanted = self._disposition is Disposition.DISCARD
        if is_unwanted:
            encoding.kill()
        # If the server is killed, the job tells `recover` which ffmpeg is still writing the part. An error can be
        # ignored: `LiveEncoding` notices a folder that has disappeared.
        with suppress(OSError):
            self._files.save_job(self._job)
        return encoding.run(self.backlog, self.captions, on_full=self._interrupt)

    def _has_room_for(self, size_bytes: int) -> bool:
        return self._limits.free_bytes(self._files.path.parent) >= size_bytes + self._limits.reserve_bytes

    def _conclude(self, *, is_encoded: bool) -> RecordingOutcome:
        if self._is_set_to(Disposition.DISCARD):
            return self._discard()
        self._save_unencoded(is_encoded=is_encoded)
        if self._is_set_to(Disposition.POSTPONE):
            return self._leave_to_recovery(Postponed(self._files.path))
        self._on_sealing()
        try:
            result = self._sealer.seal(self._job.model_copy(update={"captions": self.captions.all()}))
        except SealingStoppedError:
            return (
                self._discard()
                if self._is_set_to(Disposition.DISCARD)
                else self._leave_to_recovery(Postponed(self._files.path))
            )
        except RecordingError as error:
            self._interrupt(error)
            return self._leave_to_recovery(incomplete(self._files, self._job, error.fault))
        if self._is_set_to(Disposition.DISCARD):  # discarded after the last check in `seal`
            return self._discard()
        if self._fault is None:
            return result
        kept = result if isinstance(result, Finished) else None
        return Failed(self._files.path, self._fault.fault, sentence_of(self._fault.fault), kept)

    def _save_unencoded(self, *, is_encoded: bool) -> None:
        """Make sure that the frames that are not in the part are on disk. If there are none, remove the spool."""
        try:
            if is_encoded:
                self._spool.remove()
            else:
                self.backlog.spill_rest()
                self._spool.close()
        except (RecordingError, OSError) as error:
            _logger.warning("Frames of a recording were lost", file=self._files.path.name, reason=str(error))

    def _leave_to_recovery(self, outcome: Postponed | Incomplete) -> Postponed | Incomplete:
        """Give up ownership of the files, so that `recover` may finish them."""
        job = self._job.model_copy(update={"owner": None, "encoder": None, "captions": self.captions.all()})
        with suppress(OSError):  # then the ownership ends with this process
            self._files.save_job(job)
        return outcome

    def _discard(self) -> Discarded:
        self._spool.close()
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
