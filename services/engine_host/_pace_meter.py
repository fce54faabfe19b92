"""How fast an engine steps so many worlds together, as it was measured in play."""

from __future__ import annotations

import threading
from collections import deque
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT: Final = 32  # passes of each number of worlds


class PaceMeter:
    """Told of every pass, from any thread. The newest passes count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[int, deque[float]] = {}

    def stepped(self, worlds: int, seconds: float) -> None:
        with self._lock:
            self._seconds.setdefault(worlds, deque(maxlen=_KEPT)).append(seconds)

    def pass_s(self) -> Mapping[int, float]:
        """The usual seconds of a pass, by how many worlds were stepped in it."""
        with self._lock:
            return MappingProxyType({worlds: median(seconds) for worlds, seconds in sorted(self._seconds.items())})
