"""How far sending may run ahead of what a client has read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PASSES_AHEAD: Final = 2  # one that the client works on, and the next
_PASSES_PER_S: Final = 15.0  # the usual pace: so many more are on their way for each second of the link's delay
_DELAY_WEIGHT: Final = 1.5  # delays vary
_PROBE: Final = 0  # the number of the receipt that is asked for before any pass


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    first_frame_id: int


class ReadAhead:
    """At most two passes are unconfirmed, and as many more as the link's own delay keeps under way.

    A pass is confirmed by the client (`frame_ack`: it was drawn) or, until a first such message comes, by a read
    receipt. Without either, nothing is held up. The delay is measured once, by a receipt that no pass waits before: of
    one that comes late in play nobody can tell whether the link is long or the reader slow. Times are monotonic, in
    seconds.
    """

    def __init__(self) -> None:
        self._unconfirmed: deque[_Sent] = deque()
        self._numbers = _PROBE
        self._probed_at: float | None = None
        self._allowed = _PASSES_AHEAD
        self._client_confirms = False

    def probe(self, now: float) -> int:
        """Receipts will be asked for, and this is the number of the first: it measures the link."""
        self._probed_at = now
        return _PROBE

    def sent(self, first_frame_id: int) -> int:
        """A pass is with the kernel; the number of its receipt."""
        self._numbers += 1
        self._unconfirmed.append(_Sent(self._numbers, first_frame_id))
        return self._numbers

    def read(self, number: int, now: float) -> None:
        """A receipt came."""
        if number == _PROBE:
            delay_s = now - (now if self._probed_at is None else self._probed_at)
            self._allowed = _PASSES_AHEAD + int(_DELAY_WEIGHT * delay_s * _PASSES_PER_S)
        elif not self._client_confirms:
            self._confirm(lambda sent: sent.number <= number)

    def drawn(self, frame_id: int) -> None:
        """The client says that it drew the pass which begins with `frame_id`."""
        self._client_confirms = True
        self._confirm(lambda sent: sent.first_frame_id <= frame_id)

    def forget(self) -> None:
        """Frame ids start over: what was sent before is nobody's concern."""
        self._unconfirmed.clear()

    def may_send(self) -> bool:
        confirmations_come = self._client_confirms or self._probed_at is not None
        return not confirmations_come or len(self._unconfirmed) < self._allowed

    def _confirm(self, covers: Callable[[_Sent], bool]) -> None:
        while self._unconfirmed and covers(self._unconfirmed[0]):
            self._unconfirmed.popleft()
