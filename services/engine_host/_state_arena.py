"""Where states of worlds lie: memory of the server that the engine's process writes, and that outlives the process."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from services.engine_host._messages import Region
from services.engine_host._regions import Regions
from services.engine_host._shared_memory import SharedMemory, pages

if TYPE_CHECKING:
    from collections.abc import Callable

    Warm: TypeAlias = Callable[[Region], None]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

SMALL_STATE: Final = 1 << 18  # bytes of a state that go with the message, without any of this


@dataclass(frozen=True, slots=True)
class _Returned:
    region: Region


@dataclass(frozen=True, slots=True)
class _Trim:
    """The region holds a state of `used` bytes, and its other pages are of no use."""

    region: Region
    used: int


@dataclass(frozen=True, slots=True)
class _WantSpare:
    size: int


@dataclass(frozen=True, slots=True)
class _Rest:
    """Nobody plays, and the spare is of no use for now."""


_Task: TypeAlias = "_Returned | _Trim | _WantSpare | _Rest"


class StateArena:
    """Regions of shared memory, each for one state. A region is free again once nobody looks at its state any more.

    The first touch of memory costs ten times as much as a copy to it. So one region that is free stays in memory as a
    spare, and where there is none, `warm` has the process that writes touch one beside its play. What takes long for
    the system, giving memory back and touching it, happens on a thread of the arena. It ends with `close`, once the
    last state is gone.
    """

    def __init__(self, size: int, warm: Warm, name: str) -> None:
        """`size` is address space: memory is taken where it is written to. `warm` may raise, and may block."""
        self.memory = SharedMemory(size)
        self._regions = Regions(0, size)
        self._warm = warm
        self._lock = threading.Lock()  # of the spare and the warm ones
        self._spare: Region | None = None
        self._is_warm: set[int] = set()  # offsets of regions that lie in memory as a whole
        self._worlds = 0
        self._is_closed = False
        # Put to where Python collects garbage, at any moment, so it must be a queue that allows that.
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"states-{name}", daemon=True)
        self._has_thread = False

    # ------------------------------------------------------------------------------- called by those who play

    def enter(self) -> None:
        """One more world is open. While there is one, a spare is kept."""
        with self._lock:
            self._worlds += 1

    def leave(self) -> None:
        with self._lock:
            self._worlds -= 1
            is_last = not self._worlds
        if is_last:
            self._tasks.put(_Rest())

    def take(self, size: int) -> Region | None:
        """A region for a state of at most so many bytes; None: there is no room."""
        with self._lock:
            if self._is_closed:
                return None
            if not self._has_thread:
                self._has_thread = True
                self._thread.start()
            spare, self._spare = self._spare, None
        self._tasks.put(_WantSpare(size))
        if spare is not None:
            if spare.size >= size:
                return spare
            self.give_back(spare)
        offset = self._regions.take(size)
        return None if offset is None else Region(offset, pages(size))

    def give_back(self, region: Region) -> None:
        """What was taken is of no use any more."""
        self._tasks.put(_Returned(region))

    def hand_over(self, region: Region, size: int) -> memoryview:
        """The state that was written there, as a view that cannot be written to. With its last user the region is free.

        Where it lies is known to `find`.
        """
        if size < region.size // 2:
            self._tasks.put(_Trim(region, size))
        owner = self.memory.owned_bytes(region.offset, size)
        weakref.finalize(owner, self._tasks.put, _Returned(region)).atexit = False
        return memoryview(owner).cast("B").toreadonly()

    @property
    def has_spare(self) -> bool:
        return self._spare is not None

    def find(self, state: bytes | memoryview) -> Region | None:
        """Where the state lies, if it is one of this arena's."""
        offset = self.memory.offset_of(state)
        return None if offset is None else Region(offset, len(state))

    def close(self) -> None:
        """Keep nothing but what is still looked at. Idempotent."""
        with self._lock:
            self._is_closed = True
            has_thread = self._has_thread
        self._warm = _leave_cold  # whoever does it refers to this arena
        self.memory.close_source()
        if has_thread:
            self._tasks.put(None)
            if not self._regions.is_lent:
                self._thread.join()

    # ------------------------------------------------------------------------------------------- the thread

    def _work(self) -> None:
        is_closed = False
        while not (is_closed and not self._regions.is_lent):
            task = self._tasks.get()
            match task:
                case None:
                    is_closed = True
                    self._drop_spare()
                case _Rest():
                    self._drop_spare()
                case _Returned(region):
                    self._take_back(region)
                case _Trim(region, used):
                    self._is_warm.discard(region.offset)
                    begin = region.offset + pages(used)
                    self.memory.discard(begin, region.offset + region.size - begin)
                case _WantSpare(size):
                    self._make_spare(size)

    @property
    def _keeps_spare(self) -> bool:
        return self._worlds > 0 and not self._is_closed

    def _drop_spare(self) -> None:
        with self._lock:
            if self._keeps_spare:  # somebody has come meanwhile
                return
            spare, self._spare = self._spare, None
        if spare is not None:
            self._discard(spare)

    def _take_back(self, region: Region) -> None:
        with self._lock:
            is_spare = self._keeps_spare and self._spare is None and region.offset in self._is_warm
            if is_spare:
                self._spare = region
        if not is_spare:
            self._discard(region)

    def _make_spare(self, size: int) -> None:
        """One more region that lies in memory, unless there is one by now."""
        with self._lock:
            if not self._keeps_spare or self._spare is not None:
                return
        offset = self._regions.take(size)
        if offset is None:
            return
        region = Region(offset, pages(size))
        try:
            self._warm(region)
        except Exception as error:  # noqa: BLE001 - the process may have ended, and play goes on without a spare
            logger.debug("No memory was made ready for states of worlds", reason=type(error).__name__)
            self._discard(region)
        else:
            self._is_warm.add(offset)
            self._take_back(region)

    def _discard(self, region: Region) -> None:
        self._is_warm.discard(region.offset)
        self.memory.discard(region.offset, region.size)
        self._regions.give_back(region.offset)


def _leave_cold(_: Region) -> None:
    """The arena is closed."""
    raise RuntimeError("No spare is needed any more.")
