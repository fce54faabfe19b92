"""What becomes of one recording: encoded while it comes, completed, postponed, discarded, or saved from a failure."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import structlog

from services.video_writer.backlog import Backlog, MemoryLimits
from services.video_writer.captions import Captions
from services.video_writer.faults import RecordingError, from_os_error, sentence_of
from services.video_writer.live_encoding import LiveEncoding
from services.video_writer.matroska import stream_head
from services.video_writer.sealing import Sealer, SealingStoppedError
from services.video_writer.spool import Spool, free_bytes
from services.video_writer.video_writer import Discarded, Failed, Finished, Postponed, RecordingFault
from services.video_writer.work_files import Job, ProcessMark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer.toolbox import Toolbox
    from services.video_writer.video_writer import RecordingOutcome, RecordingPlan, VideoMetadata
    from services.video_writer.work_files import WorkFiles

_logger = structlog.stdlib.get_logger(__name__)

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Bounds of each recording. `reserve_bytes` of the disk stay free, besides the room to complete the file."""

    memory: MemoryLimits = field(default_factory=MemoryLimits)
    spool_bytes: int = 8192 * _MIB
    spool_chunk_bytes: int = 64 * _MIB
    reserve_bytes: int = 128 * _MIB
    free_bytes: Callable[[Path], int] = free_bytes


class Will(Enum):
    """What is to become of a recording."""

    KEEP = auto()
    POSTPONE = auto()
    DISCARD = auto()


class RecordingRun:
    """`run` and `spill` have a thread each; everything else may be called from any thread, and returns at once."""

    def __init__(
        self,
        files: WorkFiles,
        plan: RecordingPlan,
        tools: Toolbox,
        limits: WriterLimits,
        *,
        on_interrupt: Callable[[RecordingError], None],
        on_sealing: Callable[[], None],
    ) -> None:
        """`on_interrupt` is told, at most once, that no more frames are taken because of an error."""
        self._files = files
        self._tools = tools
        self._limits = limits
        self._on_interrupt = on_interrupt
        self._on_sealing = on_sealing
        self._job_lock = threading.Lock()  # around writing the job's file; nobody who must return at once takes it
        self._job = Job(plan=plan, encoder_name="", owner=ProcessMark.of())
        self._may_save_job = False  # the name is claimed, and not let go of
        self._spool = Spool(
            files,
            stream_head(plan.width, plan.height, plan.fps),
            max_bytes=limits.spool_bytes,
            reserve_bytes=limits.reserve_bytes,
            free_bytes=limits.free_bytes,
            chunk_bytes=limits.spool_chunk_bytes,
        )
        self.backlog: Final = Backlog(self._spool, limits.memory)
        self.captions: Final = Captions(tools)
        self._sealer = Sealer(files, tools)
        self._may_spill = threading.Event()  # there is a folder, or nothing comes
        self._has_spilled = threading.Event()
        self._lock = threading.Lock()
        self._will = Will.KEEP
        self._metadata = plan.metadata
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
        """Keep memory within its bounds."""
        self._may_spill.wait()
        try:
            self.backlog.spill_until_closed()
        except RecordingError as error:
            self._interrupt(error)
        finally:
            self._has_spilled.set()

    def stop(self, will: Will) -> None:
        """Change what is to become of it; what was discarded stays so."""
        with self._lock:
            if self._will is Will.DISCARD:
                return
            self._will = will
        self.backlog.abort()
        self._sealer.stop()

    def annotate(self, metadata: VideoMetadata) -> None:
        """What the file is to say of itself."""
        with self._lock:
            self._metadata = metadata

    def save_annotation(self) -> None:
        """Write it down at once, for a process that is killed. Blocks; on a thread of its own."""
        with self._job_lock:
            if self._may_save_job:
                self._save_job()

    def kill_encoder(self) -> None:
        with self._lock:
            encoding = self._encoding
        if encoding is not None:
            encoding.kill()

    def _shall(self, will: Will) -> bool:
        with self._lock:
            return self._will is will

    def _interrupt(self, error: RecordingError) -> None:
        with self._lock:
            if self._fault is not None or self._will is not Will.KEEP:
                return
            self._fault = error
        self.backlog.close()
        self._on_interrupt(error)

    def _prepare(self) -> None:
        """Claim the name.

        Raises:
            RecordingError: it is taken, or the folder cannot be written.
        """
        path = self._files.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() or self._files.job.exists() or self._files.part.exists():
                raise RecordingError(RecordingFault.NAME_TAKEN, "There is something of this name.")
            with self._job_lock:
                self._files.save_job(self._annotated())
                self._may_save_job = True
        except OSError as error:
            raise from_os_error(error) from error

    def _annotated(self, **changes: object) -> Job:
        """The job as it is now, with `changes` to it."""
        with self._lock:
            plan = replace(self._job.plan, metadata=self._metadata)
        self._job = self._job.model_copy(update={"plan": plan, **changes})
        return self._job

    def _save_job(self, **changes: object) -> None:
        with suppress(OSError):  # the folder is looked after elsewhere
            self._files.save_job(self._annotated(**changes))

    def _encode_and_wait(self) -> bool:
        """Whether everything that came is in the part."""
        try:
            return self._encode()
        except RecordingError as error:
            self._interrupt(error)
            return False
        finally:
            self.backlog.abort()
            self._has_spilled.wait()

    def _encode(self) -> bool:
        """Whether everything that came is in the part.

        Raises:
            RecordingError: it is not.
        """
        encoder = self._tools.choose_encoder(self._job.plan)
        if not self.backlog.wait_for_first():
            return not self.backlog.is_aborted
        encoding = LiveEncoding(
            self._tools.executable(), self._job.plan, encoder, self._files, has_room_for=self._has_room_for
        )
        mark = ProcessMark.of(encoding.pid)
        with self._lock:
            self._encoding = encoding
            is_unwanted = self._will is Will.DISCARD
        if is_unwanted:
            encoding.kill()
        with self._job_lock:  # says who writes the part, should we be killed
            self._save_job(encoder_name=encoder.name, encoder=mark)
        return encoding.run(self.backlog, self.captions, on_full=self._interrupt)

    def _has_room_for(self, size_bytes: int) -> bool:
        return self._limits.free_bytes(self._files.path.parent) >= size_bytes + self._limits.reserve_bytes

    def _conclude(self, *, is_encoded: bool) -> RecordingOutcome:
        with self._job_lock:  # as the file is about to say it: `recover` compares the two
            self._save_job(captions=self.captions.all())
            self._may_save_job = False
        if self._shall(Will.DISCARD):
            return self._discard()
        self._put_away(is_encoded=is_encoded)
        if self._shall(Will.POSTPONE):
            return self._let_go(Postponed(self._files.path))
        self._on_sealing()
        try:
            result = self._sealer.seal(self._job)
        except SealingStoppedError:
            return self._discard() if self._shall(Will.DISCARD) else self._let_go(Postponed(self._files.path))
        except RecordingError as error:
            self._interrupt(error)
            fault = (self._fault or error).fault
            return self._let_go(Failed(self._files.path, fault, sentence_of(fault), None))
        if self._shall(Will.DISCARD):  # it came when the file was just complete
            return self._discard()
        if self._fault is None:
            return result
        kept = result if isinstance(result, Finished) else None
        return Failed(self._files.path, self._fault.fault, sentence_of(self._fault.fault), kept)

    def _put_away(self, *, is_encoded: bool) -> None:
        """On the disk stays what the part does not hold."""
        try:
            if is_encoded:
                self._spool.remove()
            else:
                self.backlog.spill_rest()
                self._spool.close()
        except (RecordingError, OSError) as error:
            _logger.warning("Frames of a recording are lost", file=self._files.path.name, reason=str(error))

    def _let_go(self, outcome: Postponed | Failed) -> Postponed | Failed:
        """Leave the files to `recover`, which asks whose they are."""
        self._save_job(owner=None, encoder=None)  # if that fails, they are nobody's when this process has ended
        return outcome

    def _discard(self) -> Discarded:
        self._spool.close()
        try:
            self._files.remove()
            self._files.path.unlink(missing_ok=True)
        except OSError as error:
            _logger.warning("A discarded recording leaves files", file=self._files.path.name, reason=error.strerror)
        return Discarded(self._files.path)
