"""What waits to be sent to one client, how far sending runs ahead of it, and the one task that sends."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from wire_protocol import AnyServerMessage, LogMessage, encode_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.stats import SessionStats
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.read_receipts.read_receipts import ReadReceipts

_WAITING_LOGS: Final = 256
_PASSES_AHEAD: Final = 2  # one that the client works on, and the next
_PASSES_PER_S: Final = 15.0  # unless another pace is named: so many are on their way for each second of delay
_DELAY_WEIGHT: Final = 1.5  # delays vary
_PROBE: Final = 0  # the number of the receipt that is asked for before any pass


@dataclass(frozen=True, slots=True)
class OutgoingPass:
    """An encoded pass. Times are monotonic seconds."""

    envelope: bytes
    first_frame_id: int
    frames: int
    input_received_at: float | None
    ready_at: float


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """Nothing is sent after it."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class FramesAnswer:
    """The answer to a request for frames: sent like any other answer, in order and never dropped."""

    req_id: str
    envelope: bytes
    frames: int


Answerable: TypeAlias = AnyServerMessage | FramesAnswer
Outgoing: TypeAlias = Answerable | OutgoingPass | CloseFrame


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    first_frame_id: int


class SendWindow:
    """How many passes may be sent before the client has confirmed one: two, and as many more as the link delays.

    A pass is confirmed by the client (`frame_ack`: it was drawn) or, until the first such message, by a read receipt.
    Without either, nothing is held up. The delay is measured by one receipt before the first pass: during play, a late
    receipt could mean a slow reader as well as a long link. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._unconfirmed: deque[_Sent] = deque()
        self._number = _PROBE
        self._probed_at: float | None = None
        self._delay_s = 0.0
        self._passes_per_s = _PASSES_PER_S
        self._client_confirms = False
        self._epoch = 0

    def probe(self, now: float) -> int:
        """Receipts will be asked for; the number of the first, which measures the link."""
        self._probed_at = now
        return _PROBE

    def use_pace(self, passes_per_s: float | None) -> None:
        """Passes are small, so a long link may hold as many as are made in its delay. None: the usual pace."""
        self._passes_per_s = _PASSES_PER_S if passes_per_s is None else passes_per_s

    def sent(self, first_frame_id: int) -> int:
        """The kernel has a pass; the number of its receipt."""
        self._number += 1
        self._unconfirmed.append(_Sent(self._number, first_frame_id))
        return self._number

    def read(self, number: int, now: float) -> None:
        """A receipt came: the client has read everything up to the pass of that number."""
        if number == _PROBE:
            self._delay_s = now - (now if self._probed_at is None else self._probed_at)
        elif not self._client_confirms:
            self._confirm(lambda sent: sent.number <= number)

    def drawn(self, frame_id: int, epoch: int | None) -> None:
        """The client has drawn the pass that begins with `frame_id`, and with it those before.

        Frame ids start over with each epoch, so a confirmation of an older one says nothing about the present.
        """
        self._client_confirms = True
        if epoch is None or epoch == self._epoch:
            self._confirm(lambda sent: sent.first_frame_id <= frame_id)

    def begin_epoch(self, epoch: int) -> None:
        """What was sent before is no longer waited for."""
        self._epoch = epoch
        self._unconfirmed.clear()

    def is_open(self) -> bool:
        confirmations_come = self._client_confirms or self._probed_at is not None
        allowed = _PASSES_AHEAD + int(_DELAY_WEIGHT * self._delay_s * self._passes_per_s)
        return not confirmations_come or len(self._unconfirmed) < allowed

    def _confirm(self, covers: Callable[[_Sent], bool]) -> None:
        while self._unconfirmed and covers(self._unconfirmed[0]):
            self._unconfirmed.popleft()


class Outbox:
    """Filled by everything in the session, emptied by its one writer. Touched by the event loop's thread alone.

    Messages keep their order and none is dropped. There is at most one pass: an unsent pass gives way to the next, so
    that a client that reads slowly sees fewer frames, and never old ones. The same holds for news of who watches.
    Beyond a bound, the oldest log messages are dropped. `on_overflow` is called once when a client leaves too many
    messages unread.
    """

    def __init__(self, clock: Clock, stats: SessionStats, max_messages: int, on_overflow: Callable[[], None]) -> None:
        self._clock = clock
        self._stats = stats
        self._messages: deque[Answerable] = deque()
        self._logs: deque[LogMessage] = deque(maxlen=_WAITING_LOGS)
        self._newest: AnyServerMessage | None = None
        self._pass: OutgoingPass | None = None
        self._close_frame: CloseFrame | None = None
        self._changed = asyncio.Event()
        self._max_messages = max_messages
        self._on_overflow = on_overflow
        self._window = SendWindow()
        self._is_sending_pass = False
        self._room = asyncio.Event()
        self._room.set()
        self._unsent_answers = 0  # with frames
        self._answers_sent = asyncio.Event()
        self._answers_sent.set()

    @property
    def has_room(self) -> bool:
        """Whether a pass that is posted now is sent at once, as far as that depends on passes before it."""
        return self._pass is None and not self._is_sending_pass and self._window.is_open()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()

    def use_pace(self, passes_per_s: float | None) -> None:
        """So many passes are made in a second, and all of them are small; None: they may be large."""
        self._window.use_pace(passes_per_s)
        self._look_for_room()

    async def answers_sent(self) -> None:
        """Wait until no answer with frames waits to be sent, so that a client that does not read piles up none."""
        await self._answers_sent.wait()

    def post(self, message: Answerable) -> None:
        if self._close_frame is not None:
            return
        self._messages.append(message)
        if isinstance(message, FramesAnswer):
            self._unsent_answers += 1
            self._answers_sent.clear()
        self._changed.set()
        if len(self._messages) == self._max_messages:
            self._on_overflow()

    def post_newest(self, message: AnyServerMessage) -> None:
        """For messages of one kind that say how things are: one that was not sent yet gives way to the next."""
        if self._close_frame is None:
            self._newest = message
            self._changed.set()

    def post_log(self, message: LogMessage) -> None:
        if self._close_frame is None:
            self._logs.append(message)
            self._changed.set()

    def post_pass(self, outgoing: OutgoingPass) -> bool:
        """Offer a pass; whether it replaced one that had not been sent."""
        if self._close_frame is not None:
            return False
        replaced = self._pass is not None
        self._pass = outgoing
        self._changed.set()
        self._look_for_room()
        if replaced:
            self._stats.pass_replaced()
        return replaced

    def pass_dropped(self) -> None:
        """A pass was dropped before it was encoded, because there was no room until a newer one came."""
        self._stats.pass_replaced()

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment of it: the unsent pass is dropped."""
        self._pass = None
        self._window.begin_epoch(epoch)
        self._changed.set()
        self._look_for_room()

    def receipts_begin(self) -> int:
        """Receipts will be asked for; the number of the first."""
        return self._window.probe(self._clock.monotonic())

    def pass_sent(self, outgoing: OutgoingPass) -> int:
        """The kernel has it; the number of the receipt to ask for."""
        self._is_sending_pass = False
        number = self._window.sent(outgoing.first_frame_id)
        self._look_for_room()
        return number

    def receipt(self, number: int) -> None:
        """The client has read everything up to the pass of that number."""
        self._window.read(number, self._clock.monotonic())
        self._changed.set()
        self._look_for_room()

    def acknowledge(self, frame_id: int, epoch: int | None) -> None:
        """The client has drawn the pass that begins with `frame_id`. `epoch` is None if it does not say of which."""
        self._window.drawn(frame_id, epoch)
        self._changed.set()
        self._look_for_room()

    def close(self, code: int, reason: str) -> None:
        """Send what was posted, then the close frame. Later posts are dropped; the first call counts."""
        if self._close_frame is None:
            self._close_frame = CloseFrame(code, reason)
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
            return self._next_message()
        if self._newest is not None:
            newest, self._newest = self._newest, None
            return newest
        if self._logs:
            return self._logs.popleft()
        if self._close_frame is not None:
            return self._close_frame
        if self._pass is None or not self._window.is_open():
            return None
        chosen, self._pass = self._pass, None
        self._is_sending_pass = True
        return chosen

    def _next_message(self) -> Answerable:
        message = self._messages.popleft()
        if isinstance(message, FramesAnswer):
            self._unsent_answers -= 1
            if not self._unsent_answers:
                self._answers_sent.set()
        return message

    def _look_for_room(self) -> None:
        if self.has_room:
            self._room.set()
        else:
            self._room.clear()


class SocketLike(Protocol):
    """The part of a WebSocket that a writer uses. `send_*` return when the kernel has taken the bytes."""

    async def send_text(self, data: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def close(self, code: int = 1000, reason: str | None = None) -> None: ...


class Writer:
    """`receipts` is None where the transport has none; then only the client's own word holds passes back."""

    def __init__(
        self,
        socket: SocketLike,
        outbox: Outbox,
        stats: SessionStats,
        *,
        receipts: ReadReceipts | None,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._socket = socket
        self._receipts = receipts
        self._outbox = outbox
        self._stats = stats
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Send until the close frame, or until the client is gone: the receiver learns of that and ends the session."""
        try:
            if self._receipts is not None:
                self._receipts.listen(self._outbox.receipt)
                self._receipts.ask(self._outbox.receipts_begin())
            while True:
                match await self._outbox.next():
                    case CloseFrame(code, reason):
                        await self._socket.close(code, reason)
                        return
                    case OutgoingPass() as outgoing:
                        await self._send_pass(outgoing)
                    case FramesAnswer(_, envelope, frames):
                        await self._socket.send_bytes(envelope)
                        self._stats.pass_sent(self._clock.monotonic(), frames, None)
                        self._metrics.frames_sent(frames, len(envelope))
                    case message:
                        await self._socket.send_text(encode_message(message))
        except (WebSocketDisconnect, WebSocketDisconnected):
            return

    async def _send_pass(self, outgoing: OutgoingPass) -> None:
        began = self._clock.monotonic()
        await self._socket.send_bytes(outgoing.envelope)
        sent = self._clock.monotonic()
        number = self._outbox.pass_sent(outgoing)
        if self._receipts is not None:
            self._receipts.ask(number)
        received_at = outgoing.input_received_at
        self._stats.pass_sent(sent, outgoing.frames, None if received_at is None else sent - received_at)
        self._metrics.frames_sent(outgoing.frames, len(outgoing.envelope))
        self._metrics.pass_timed("queue", began - outgoing.ready_at)
        self._metrics.pass_timed("send", sent - began)
