"""When the next pass is due, and how long passes take."""

from __future__ import annotations

from dataclasses import dataclass

_ALPHA = 0.2  # weight of the newest value in the moving averages


class Pacer:
    """Deadlines on a fixed grid. A pass that comes late by more than an interval starts a new grid: no catching up."""

    def __init__(self) -> None:
        self._due: float | None = None

    def wait_s(self, now: float) -> float:
        """Seconds until the next pass may start; 0 when it is due."""
        return 0.0 if self._due is None else max(0.0, self._due - now)

    def started(self, now: float, interval_s: float) -> None:
        on_grid = self._due is not None and now - self._due < interval_s
        self._due = (self._due if on_grid and self._due is not None else now) + interval_s

    def rest(self) -> None:
        """Play stops: the next pass is due at once."""
        self._due = None


@dataclass(slots=True)
class PassTimer:
    """Moving averages in seconds; None before the first value."""

    step_s: float | None = None
    encode_s: float | None = None
    _interval_s: float | None = None
    _last_start: float | None = None

    def started(self, now: float) -> None:
        if self._last_start is not None:
            self._interval_s = _blend(self._interval_s, now - self._last_start)
        self._last_start = now

    def stepped(self, seconds: float) -> None:
        self.step_s = _blend(self.step_s, seconds)

    def encoded(self, seconds: float) -> None:
        self.encode_s = _blend(self.encode_s, seconds)

    def rest(self) -> None:
        """Play stops: the gap until it goes on is no interval."""
        self._last_start = None

    def interval_s(self, cap_s: float | None) -> float:
        """The interval clients should pace by; before two passes were measured, what it will be at least."""
        if self._interval_s is not None:
            return self._interval_s
        return max(cap_s or 0.0, self.step_s or 0.0, self.encode_s or 0.0)

    @property
    def encoding_is_slower(self) -> bool:
        return (self.encode_s or 0.0) > (self.step_s or 0.0)


def _blend(average: float | None, value: float) -> float:
    return value if average is None else average + _ALPHA * (value - average)
