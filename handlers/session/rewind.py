"""The last half minute of a world, as snapshots in memory to go back to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from handlers.session.journal import JournalMoment
    from services.world_engine.world_engine import WorldSnapshot

REWIND_S: Final = 30.0
_EVERY_S: Final = 1.0
_SLACK_S: Final = 1e-6  # sums of pass intervals are no exact seconds


@dataclass(frozen=True, slots=True)
class Waypoint:
    """The world after `at_s` seconds of its own time."""

    at_s: float
    snapshot: WorldSnapshot
    moment: JournalMoment


class RewindTrack:
    """A waypoint each second of the world's own time. The oldest give way beyond half a minute or `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._points: deque[Waypoint] = deque()
        self._bytes = 0

    def due(self, at_s: float) -> bool:
        return not self._points or at_s - self._points[-1].at_s >= _EVERY_S - _SLACK_S

    def add(self, point: Waypoint) -> None:
        self._points.append(point)
        self._bytes += len(point.snapshot.state)
        while len(self._points) > 1 and (
            point.at_s - self._points[0].at_s > REWIND_S + _EVERY_S or self._bytes > self._max_bytes
        ):
            self._bytes -= len(self._points.popleft().snapshot.state)

    def back(self, now_s: float, seconds: float) -> Waypoint:
        """The newest waypoint at least `seconds` ago, else the oldest; later ones are forgotten.

        Raises:
            DomainError: there is nothing to go back to.
        """
        while self._points:
            point = self._points[-1]
            is_far_enough = now_s - point.at_s >= seconds - _SLACK_S
            if is_far_enough or (len(self._points) == 1 and point.at_s < now_s):
                return point
            self._bytes -= len(self._points.pop().snapshot.state)
        raise DomainError("There is nothing to rewind yet.", ErrorCode.NOTHING_TO_REWIND)

    def left_s(self, now_s: float) -> float:
        """How far one can still go back."""
        return max(0.0, now_s - self._points[0].at_s) if self._points else 0.0

    def clear(self) -> None:
        self._points.clear()
        self._bytes = 0
