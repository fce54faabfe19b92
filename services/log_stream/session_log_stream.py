"""The log stream of this process: the logging pipeline feeds it, and each session gets its own events, rate-limited."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_repeats import RepeatLimit, kind_of
from wire_protocol import LogMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_repeats import EventKind
    from services.clock.clock import Clock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.log_stream import Deliver

_RATE_PER_S: Final = 20.0
_BURST: Final = 100.0
_MOST_OF_A_KIND: Final = 50  # within the interval, so that one kind of event leaves room for the others
_REPEAT_INTERVAL_S: Final = 60.0


@dataclass(slots=True, eq=False)
class _Subscription:
    """One listener and its token bucket. The stream's lock guards it."""

    deliver: Deliver
    repeats: RepeatLimit
    tokens: float
    refilled_at: float
    left_out: int = 0


class SessionLogStream:
    """A `LogStream`. The logging pipeline calls `tap` with every event."""

    def __init__(self, clock: Clock, reduction: LogReduction) -> None:
        self._clock = clock
        self._reduction = reduction
        self._lock = threading.Lock()
        self._subscriptions: dict[str, tuple[_Subscription, ...]] = {}
        self._in_tap = threading.local()

    def subscribe(self, session_id: str, deliver: Deliver) -> Callable[[], None]:
        repeats = RepeatLimit(self._clock.monotonic, most=_MOST_OF_A_KIND, interval_s=_REPEAT_INTERVAL_S)
        subscription = _Subscription(deliver, repeats, _BURST, self._clock.monotonic())
        with self._lock:
            self._subscriptions[session_id] = (*self._subscriptions.get(session_id, ()), subscription)

        def unsubscribe() -> None:
            with self._lock:
                rest = tuple(s for s in self._subscriptions.get(session_id, ()) if s is not subscription)
                if rest:
                    self._subscriptions[session_id] = rest
                else:
                    self._subscriptions.pop(session_id, None)

        return unsubscribe

    def tap(self, event: Mapping[str, object]) -> None:
        """Deliver `event` to the listeners of its session. Never raises."""
        session_id = event.get("session_id")
        # Most events belong to no session. This needs no lock, because a dictionary lookup is atomic.
        if not isinstance(session_id, str) or session_id not in self._subscriptions:
            return
        if getattr(self._in_tap, "busy", False):
            return  # a listener that logs would be called recursively
        self._in_tap.busy = True
        try:
            self._deliver(session_id, event)
        finally:
            self._in_tap.busy = False

    def _deliver(self, session_id: str, event: Mapping[str, object]) -> None:
        now, kind = self._clock.monotonic(), kind_of(event)
        with self._lock:
            admitted = [
                (subscription.deliver, left_out)
                for subscription in self._subscriptions.get(session_id, ())
                if (left_out := _admit(subscription, kind, now)) is not None
            ]
        if not admitted:
            return
        try:
            message = self._reduction.reduce(event)
            for deliver, left_out in admitted:
                if left_out:
                    deliver(_notice(left_out, message.timestamp))
                deliver(message)
        except Exception:  # noqa: BLE001 -- a log call must not fail its caller, and logging this would come back here
            pass


def _admit(subscription: _Subscription, kind: EventKind, now: float) -> int | None:
    """Take a token. Returns how many events were left out before this one, or None if this one is left out too."""
    for _ in subscription.repeats.ended():
        pass  # they are among those that the next notice counts
    if not subscription.repeats.admits(kind):
        subscription.left_out += 1
        return None
    earned = (now - subscription.refilled_at) * _RATE_PER_S
    subscription.tokens = min(_BURST, subscription.tokens + earned)
    subscription.refilled_at = now
    if subscription.tokens < 1:
        subscription.left_out += 1
        return None
    subscription.tokens -= 1
    left_out, subscription.left_out = subscription.left_out, 0
    return left_out


def _notice(left_out: int, timestamp: str | None) -> LogMessage:
    return LogMessage(
        event="log events left out", level="warning", logger=__name__, timestamp=timestamp, fields={"count": left_out}
    )
