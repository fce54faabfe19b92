"""What waits to be sent to one client: messages in order and never dropped, and at most one pass of frames."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from handlers.session.read_ahead import ReadAhead
from wire_protocol import AnyServerMessage, LogMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.clock.clock import Clock

_WAITING_LOGS: Final = 256


@dataclass(frozen=True, slots=True)
class OutgoingPass:
    """An encoded pass. Times are monotonic seconds."""

    envelope: bytes
    first_frame_id: int
    frames: int
    input_received_at: float | None
    ready_at: float


@dataclass(frozen=True, slots=True)
class Farewell:
    """The close frame; nothing is sent after it."""

    code: int
    reason: str


Outgoing: TypeAlias = AnyServerMessage | OutgoingPass | Farewell


class Outbox:
    """Filled by everything in the session, emptied by its one writer. Touched by the event loop's thread alone.

    A client that reads slowly sees fewer passes, not old ones: an unsent pass gives way to the next. Log messages are
    dropped, oldest first, beyond a bound. `on_overflow` is called once when a client leaves too many messages unread.
    """

    def __init__(self, clock: Clock, max_messages: int, on_overflow: Callable[[], None]) -> None:
        self._clock = clock
        self._messages: deque[AnyServerMessage] = deque()
        self._logs: deque[LogMessage] = deque(maxlen=_WAITING_LOGS)
        self._pass: OutgoingPass | None = None
        self._farewell: Farewell | None = None
        self._changed = asyncio.Event()
        self._max_messages = max_messages
        self._on_overflow = on_overflow
        self._ahead = ReadAhead()

    def post(self, message: AnyServerMessage) -> None:
        if self._farewell is not None:
            return
        self._messages.append(message)
        self._changed.set()
        if len(self._messages) == self._max_messages:
            self._on_overflow()

    def post_log(self, message: LogMessage) -> None:
        if self._farewell is None:
            self._logs.append(message)
            self._changed.set()

    def post_pass(self, outgoing: OutgoingPass) -> bool:
        """Offer a pass; whether it replaced one that had not been sent."""
        if self._farewell is not None:
            return False
        replaced = self._pass is not None
        self._pass = outgoing
        self._changed.set()
        return replaced

    def drop_pass(self) -> None:
        """Forget the unsent pass, and which ones were not confirmed: another world begins."""
        self._pass = None
        self._ahead.forget()
        self._changed.set()

    def receipts_begin(self) -> int:
        """Receipts will be asked for; the number of the first."""
        return self._ahead.probe(self._clock.monotonic())

    def pass_sent(self, outgoing: OutgoingPass) -> int:
        """The kernel has it; the number of the receipt to ask for."""
        return self._ahead.sent(outgoing.first_frame_id)

    def receipt(self, number: int) -> None:
        """The client has read everything up to the pass of that number."""
        self._ahead.read(number, self._clock.monotonic())
        self._changed.set()

    def acknowledge(self, frame_id: int) -> None:
        """The client has drawn the pass that begins with `frame_id`, and with it those before."""
        self._ahead.drawn(frame_id)
        self._changed.set()

    def close(self, code: int, reason: str) -> None:
        """Send what was posted, then the close frame. Later posts are dropped; the first call wins."""
        if self._farewell is None:
            self._farewell = Farewell(code, reason)
            self._pass = None
            self._changed.set()

    async def next(self) -> Outgoing:
        """The next thing to send, chosen at the last moment."""
        while (item := self._choose()) is None:
            self._changed.clear()
            await self._changed.wait()
        return item

    def _choose(self) -> Outgoing | None:
        if self._messages:
            return self._messages.popleft()
        if self._logs:
            return self._logs.popleft()
        if self._farewell is not None:
            return self._farewell
        if self._pass is None or not self._ahead.may_send():
            return None
        chosen, self._pass = self._pass, None
        return chosen
