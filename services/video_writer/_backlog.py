"""The queue of frames that wait for the encoder: first in memory, then on disk."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.video_writer._errors import RecordingError
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.video_writer._spool import Spool
    from services.video_writer._timeline import TimedFrame

_MIB: Final = 1024 * 1024
# How long taken frames are kept: longer than the pipe, the encoder and an unwritten fragment hold together.
_KEPT_TAKEN_US: Final = 3_000_000
_KEPT_TAKEN: Final = 180  # and no fewer: an encoder that catches up holds many small frames, whatever time they show


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much may wait in memory. Beyond `span_s` seconds of play or half of `max_bytes`, frames go to disk."""

    span_s: float = 1.0
    max_bytes: int = 256 * _MIB


@dataclass(frozen=True, slots=True)
class Waiting:
    """The length of the queue. A frame that is being written to disk counts in `frames` only, not in either size."""

    frames: int
    memory_bytes: int
    disk_bytes: int


class Backlog:
    """A first-in, first-out queue between the thread that records frames and the thread that encodes them.

    A third thread runs `spill_until_closed`, which moves frames from memory to disk. So `put` never waits for a disk.
    Every frame on disk is older than every frame in memory. After an error the queue takes no more frames, but those
    in it can still be taken.

    The queue keeps copies of recently taken frames and writes them to disk before any others. If the encoder is
    killed, its file may not contain them yet.
    """

    def __init__(self, spool: Spool, limits: MemoryLimits) -> None:
        self._spool = spool
        self._limits = limits
        self._changed = threading.Condition()
        self._memory: deque[TimedFrame[bytes]] = deque()
        self._memory_bytes = 0
        self._taken: deque[TimedFrame[bytes]] = deque()
        self._spilling = 0  # frames on their way to the disk
        self._error: RecordingError | None = None
        self._is_closed = False
        self._is_aborted = False

    @property
    def is_aborted(self) -> bool:
        with self._changed:
            return self._is_aborted

    def waiting(self) -> Waiting:
        with self._changed:
            frames = len(self._memory) + self._spilling + len(self._spool)
            return Waiting(frames, self._memory_bytes, self._spool.waiting_bytes)

    def put(self, frames: Iterable[TimedFrame[bytes]]) -> None:
        """Add frames without blocking. After `close`, `abort` or an error they are ignored."""
        with self._changed:
            if self._is_closed or self._is_aborted:
                return
            for frame in frames:
                self._memory.append(frame)
                self._memory_bytes += len(frame.data)
            if self._memory_bytes > self._limits.max_bytes:
                self._fail(RecordingError(RecordingFault.ENCODER_TOO_SLOW, f"{self._memory_bytes} bytes in memory."))
            self._changed.notify_all()

    def take(self) -> TimedFrame[bytes] | None:
        """Wait for the oldest frame and remove it. None: the queue has ended.

        Raises:
            RecordingError: the frame was on disk and cannot be read back.
        """
        while True:
            with self._changed:
                self._changed.wait_for(self._can_take)
                if self._is_aborted:
                    return None
                if len(self._spool) == 0:
                    if not self._memory:
                        return None
                    frame = self._memory.popleft()
                    self._memory_bytes -= len(frame.data)
                    return self._keep_taken(frame)
            if frame := self._spool.take():
                with self._changed:
                    return self._keep_taken(frame)

    def wait_for_first(self) -> bool:
        """Block until a frame is waiting. False: the queue ended without one."""
        with self._changed:
            self._changed.wait_for(self._can_take)
            return not self._is_aborted and (bool(self._memory) or len(self._spool) > 0)

    def close(self) -> None:
        """Accept no more frames. The waiting ones can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def abort(self) -> None:
        """End the queue at once: `take` returns None from now on. The waiting frames stay for `spill_rest`."""
        with self._changed:
            self._is_aborted = True
            self._changed.notify_all()

    def spill_until_closed(self) -> None:
        """Move frames to disk whenever memory holds too many. Runs on a thread of its own.

        Raises:
            RecordingError: the disk refuses the frames, or too many wait already.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._is_aborted or self._is_over_limit())
                if self._error is not None:
                    raise self._error
                if self._is_closed or self._is_aborted:  # no more frames come, so memory cannot grow any further
                    return
                batch = self._take_memory()
                taken = list(self._taken) if len(self._spool) == 0 else []
            self._spill(taken, batch, is_last=False)

    def spill_rest(self) -> None:
        """After `abort`, write to disk what is still in memory.

        Raises:
            RecordingError: the disk refuses the frames.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._spilling == 0)
            batch = self._take_memory()
            taken = list(self._taken)
        self._spill(taken, batch, is_last=True)

    def _can_take(self) -> bool:
        if self._is_aborted or len(self._spool) > 0:
            return True
        return self._spilling == 0 and (bool(self._memory) or self._is_closed)

    def _is_over_limit(self) -> bool:
        if len(self._memory) < 2:
            return False
        span_us = self._memory[-1].at_us - self._memory[0].at_us
        return span_us > self._limits.span_s * 1_000_000 or self._memory_bytes > self._limits.max_bytes // 2

    def _take_memory(self) -> list[TimedFrame[bytes]]:
        batch = list(self._memory)
        self._memory.clear()
        self._memory_bytes = 0
        self._spilling = len(batch)
        return batch

    def _spill(self, taken: list[TimedFrame[bytes]], batch: list[TimedFrame[bytes]], *, is_last: bool) -> None:
        try:
            self._spool.put_already_taken(taken)
            self._spool.append(batch, is_last=is_last)
        except RecordingError as error:
            # The frames go back to memory. They cannot exceed its bound, because nothing is added after an error.
            with self._changed:
                self._memory.extendleft(reversed(batch))
                self._memory_bytes += sum(len(frame.data) for frame in batch)
                self._fail(error)
            raise
        finally:
            with self._changed:
                self._spilling = 0
                self._changed.notify_all()

    def _keep_taken(self, frame: TimedFrame[bytes]) -> TimedFrame[bytes]:
        self._taken.append(frame)
        while len(self._taken) > _KEPT_TAKEN and self._taken[0].at_us < frame.at_us - _KEPT_TAKEN_US:
            self._taken.popleft()
        return frame

    def _fail(self, error: RecordingError) -> None:
        self._error = self._error or error
        self._is_closed = True
