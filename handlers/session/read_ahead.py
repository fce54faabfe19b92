"""How far sending may run ahead of what a client has read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PASSES_AHEAD: Final = 2
_PATIENCE_S: Final = 0.15  # beyond the link's own delay, before a pass that is not confirmed counts as waiting
_DELAY_WEIGHT: Final = 1.5
_PROBE: Final = 0  # the number of the receipt that is asked for before any pass


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    first_frame_id: int
    at: float


class ReadAhead:
    """At most two passes are unconfirmed, or more while the oldest is no older than the link's delay explains.

    A pass is confirmed by the client (`frame_ack`: it was drawn) or, until a first such message comes, by a read
    receipt. Without either, nothing is held up. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._unconfirmed: deque[_Sent] = deque()
        self._numbers = _PROBE
        self._probed_at: float | None = None
        self._shortest_s: float | None = None  # the link's delay, as far as it is known
        self._client_confirms = False

    def probe(self, now: float) -> int:
        """Receipts will be asked for, and this is the first: it measures the link before passes queue on it."""
        self._probed_at = now
        return _PROBE

    def sent(self, first_frame_id: int, now: float) -> int:
        """A pass is with the kernel; the number of its receipt."""
        self._numbers += 1
        self._unconfirmed.append(_Sent(self._numbers, first_frame_id, now))
        return self._numbers

    def read(self, number: int, now: float) -> None:
        """A receipt came."""
        if number == _PROBE and self._probed_at is not None:
            self._measured(now - self._probed_at)
        elif not self._client_confirms:
            self._confirm(lambda sent: sent.number <= number, now)

    def drawn(self, frame_id: int, now: float) -> None:
        """The client says that it drew the pass which begins with `frame_id`."""
        self._client_confirms = True
        self._confirm(lambda sent: sent.first_frame_id <= frame_id, now)

    def forget(self) -> None:
        """Frame ids start over: what was sent before is nobody's concern."""
        self._unconfirmed.clear()

    def may_send(self, now: float) -> bool:
        confirmations_come = self._client_confirms or self._probed_at is not None
        if not confirmations_come or len(self._unconfirmed) < _PASSES_AHEAD:
            return True
        return now - self._unconfirmed[0].at < _PATIENCE_S + _DELAY_WEIGHT * (self._shortest_s or 0.0)

    def _confirm(self, covers: Callable[[_Sent], bool], now: float) -> None:
        while self._unconfirmed and covers(self._unconfirmed[0]):
            self._measured(now - self._unconfirmed.popleft().at)

    def _measured(self, delay_s: float) -> None:
        self._shortest_s = delay_s if self._shortest_s is None else min(self._shortest_s, delay_s)
