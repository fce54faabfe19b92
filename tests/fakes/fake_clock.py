"""A clock that moves when a test says so."""

from __future__ import annotations

import threading


class FakeClock:
    """Both times advance together, by `advance` alone."""

    def __init__(self, *, monotonic: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def wall(self) -> float:
        with self._lock:
            return self._wall

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("A clock does not go back.")
        with self._lock:
            self._monotonic += seconds
            self._wall += seconds
