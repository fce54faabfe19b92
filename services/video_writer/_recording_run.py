"""The life of one recording of JPEGs: it is encoded while it runs, then completed, postponed or discarded."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from services.video_writer._backlog import Backlog, MemoryLimits
from services.video_writer._captions import Captions
from services.video_writer._disk_watch import DiskWatch
from services.video_writer._errors import RecordingError
from services.video_writer._live_encoding import LiveEncoding
from services.video_writer._matroska import stream_header
from services.video_writer._recording_end import Disposition, RecordingEnd
from services.video_writer._spool import Spool, free_bytes
from services.video_writer._work_files import Job, ProcessMark

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

    def has_room_beside(self, path: Path) -> Callable[[int], bool]:
        """Whether another file of so many bytes would fit beside `path`, with the reserve left free."""
        return lambda size_bytes: self.free_bytes(path.parent) >= size_bytes + self.reserve_bytes


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
        self._end = RecordingEnd(files, tools, limits.free_bytes)
        self._may_spill = threading.Event()  # set once the folder exists, or the recording has failed
        self._has_spilled = threading.Event()
        self._lock = threading.Lock()
        self._encoding: LiveEncoding | None = None

    def run(self) -> RecordingOutcome:
        try:
            self._end.claim(self._job)
        except RecordingError as error:
            self._interrupt(error)
            return self._end.refused(error)
        finally:
            self._may_spill.set()
        try:
            is_encoded = self._encode_and_wait()
            if not self._end.is_set_to(Disposition.DISCARD):
                self._save_unencoded(is_encoded=is_encoded)
        finally:
            self._spool.close()
        job = self._job.model_copy(update={"captions": self.captions.all()})
        return self._end.conclude(job, on_sealing=self._on_sealing, on_error=self._interrupt)

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
        if self._end.set(disposition):
            self.backlog.abort()

    def kill_encoder(self) -> None:
        with self._lock:
            encoding = self._encoding
        if encoding is not None:
            encoding.kill()

    def _interrupt(self, error: RecordingError) -> None:
        if self._end.note(error):
            self.backlog.close()
            self._on_interrupt(error)

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
        watch = DiskWatch(self._files, self._limits.has_room_beside(self._files.path), self._interrupt)
        encoding = LiveEncoding(self._tools.executable(), self._job.plan, encoder, self._files, watch)
        mark = ProcessMark.of(encoding.pid)
        self._job = self._job.model_copy(update={"encoder_name": encoder.name, "encoder": mark})
        with self._lock:
            self._encoding = encoding
        if self._end.is_set_to(Disposition.DISCARD):
            encoding.kill()
        # If the server is killed, the job tells `recover` which ffmpeg is still writing the part. An error can be
        # ignored: `DiskWatch` notices a folder that has disappeared.
        with suppress(OSError):
            self._files.save_job(self._job)
        return encoding.run(self.backlog, self.captions)

    def _save_unencoded(self, *, is_encoded: bool) -> None:
        """Make sure that the frames that are not in the part are on disk. If there are none, remove the spool."""
        try:
            if is_encoded:
                self._spool.remove()
            else:
                self.backlog.spill_rest()
        except (RecordingError, OSError) as error:
            _logger.warning("Frames of a recording were lost", file=self._files.path.name, reason=str(error))
