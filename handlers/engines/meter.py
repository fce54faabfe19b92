"""What a load has taken: the memory before and after it, kept so that the next estimate is a measurement."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from handlers.engines.fitting import EngineNeedsBook
    from services.system_monitor.system_monitor import SystemMonitor
    from state.app_state_types import EngineKey


@dataclass(frozen=True, slots=True)
class _Taken:
    ram: int | None
    vram: int | None


class LoadMeter:
    """Used from the threads that load.

    Only what can be told apart is measured. Loads that run side by side are not. Neither is a second load in one
    process: libraries are there already, and the allocator reuses what the first one left.
    """

    def __init__(self, monitor: SystemMonitor, book: EngineNeedsBook) -> None:
        self._monitor = monitor
        self._book = book
        self._lock = threading.Lock()
        self._running = 0
        self._events = 0
        self._measured: set[EngineKey] = set()

    @contextmanager
    def measuring(self, key: EngineKey) -> Generator[None]:
        """The load is the block; one that fails has measured nothing. Blocks for as long as it takes to look."""
        with self._lock:
            is_first, is_alone = key not in self._measured, self._running == 0
            self._running += 1
            self._events += 1
            mark = self._events
        try:
            before = self._taken()
            yield
            after = self._taken()
        finally:
            with self._lock:
                self._running -= 1
                is_alone = is_alone and self._events == mark
        if is_first and is_alone:
            self._keep(key, before, after)

    def known_pass_s(self, key: EngineKey) -> float | None:
        """The usual seconds of a pass of one world, by an earlier benchmark on this machine. Blocks."""
        pace = self._book.measured(key).pace
        return None if pace is None else pace.step_p50_ms / 1000

    def disturbed(self) -> None:
        """Something else gives memory back, or has: what is being measured now does not count."""
        with self._lock:
            self._events += 1

    def _taken(self) -> _Taken:
        return _Taken(self._monitor.taken_ram_bytes(), self._monitor.usage().vram_used_bytes)

    def _keep(self, key: EngineKey, before: _Taken, after: _Taken) -> None:
        with self._lock:
            self._measured.add(key)
        known = self._book.measured(key)
        ram, vram = _more(before.ram, after.ram), _more(before.vram, after.vram)
        self._book.keep(key, replace(known, ram=ram, vram=vram))


def _more(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)
