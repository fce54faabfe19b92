"""The use of the GPU for those who must not wait for it: read beside them, at most about a second old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from services.clock.clock import Clock
    from services.system_monitor.system_monitor import SystemMonitor

_INTERVAL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What the first GPU does. `util_percent` is 0 to 100."""

    vram_used_bytes: int
    util_percent: int


class GpuSampler:
    """Called from one thread; the driver is asked on another, and only as long as somebody wants to know."""

    def __init__(self, monitor: SystemMonitor, threads: Executor, clock: Clock) -> None:
        self._monitor = monitor
        self._threads = threads
        self._clock = clock
        self._next_at = float("-inf")
        self._latest: GpuUse | None = None

    def latest(self) -> GpuUse | None:
        """The newest reading; None before the first one, and without a GPU. Returns at once."""
        now = self._clock.monotonic()
        if now >= self._next_at:
            self._next_at = now + _INTERVAL_S
            self._threads.submit(self._read)
        return self._latest

    def _read(self) -> None:
        if not self._monitor.machine().gpu_count:
            self._next_at = float("inf")  # none will come while the server runs
            return
        usage = self._monitor.usage()
        if usage.vram_used_bytes is not None and usage.gpu_util_percent is not None:
            self._latest = GpuUse(usage.vram_used_bytes, usage.gpu_util_percent)
