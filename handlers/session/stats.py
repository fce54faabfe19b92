"""What a session measures of itself: frames per second and latency, over a short window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WINDOW_S = 5.0
_KEPT_LATENCIES = 400


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds; None where nothing was measured."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    frames_sent: int
    passes_replaced: int
    frames_per_second: float
    receipt_to_send_ms: Percentiles


@dataclass(slots=True)
class SessionStats:
    """Written by the session on the event loop, read by `/api/sessions` and by admission from any thread; each field is
    replaced or appended to in one step."""

    frames_sent: int = 0
    passes_replaced: int = 0
    watchers: int = 0
    _active_at: float = 0.0
    _requests_in_hand: int = 0
    _sent: deque[tuple[float, int]] = field(default_factory=lambda: deque[tuple[float, int]](maxlen=2048))
    _latencies_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT_LATENCIES))

    def played(self, now: float) -> None:
        """The client did something that only somebody who is there does."""
        self._active_at = now

    def request_began(self, now: float) -> None:
        self._requests_in_hand += 1
        self.played(now)

    def request_ended(self, now: float) -> None:
        self._requests_in_hand -= 1
        self.played(now)

    def idle_s(self, now: float) -> float:
        """For how long nobody has played or asked for anything."""
        return 0.0 if self._requests_in_hand else now - self._active_at

    def pass_sent(self, now: float, frames: int, receipt_to_send_s: float | None) -> None:
        """A pass of `frames` is with the kernel. The latency is None for a pass that read no new control."""
        self.frames_sent += frames
        self._sent.append((now, frames))
        if receipt_to_send_s is not None:
            self._latencies_ms.append(receipt_to_send_s * 1000)

    def pass_replaced(self) -> None:
        self.passes_replaced += 1

    def figures(self, now: float) -> SessionFigures:
        recent = [(at, frames) for at, frames in list(self._sent) if now - at <= _WINDOW_S]
        return SessionFigures(
            frames_sent=self.frames_sent,
            passes_replaced=self.passes_replaced,
            frames_per_second=_rate(recent, now),
            receipt_to_send_ms=percentiles(list(self._latencies_ms)),
        )


def _rate(recent: Sequence[tuple[float, int]], now: float) -> float:
    if len(recent) < 2:
        return 0.0
    # The first entry opens the window: its frames were made before it.
    span = now - recent[0][0]
    return round(sum(frames for _, frames in recent[1:]) / span, 1) if span > 0 else 0.0


def percentiles(values_ms: Sequence[float]) -> Percentiles:
    """Nearest-rank percentiles, rounded to 0.1 ms."""
    if not values_ms:
        return Percentiles()
    ordered = sorted(values_ms)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return Percentiles(p50=at(0.50), p95=at(0.95), p99=at(0.99))
