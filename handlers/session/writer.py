"""The one task that sends on a session's socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.websockets import WebSocketDisconnect

from handlers.session.outbox import Farewell, Outbox, OutgoingPass
from wire_protocol import encode_message

if TYPE_CHECKING:
    from handlers.session.stats import SessionStats
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.read_receipts.read_receipts import ReadReceipts


class SocketLike(Protocol):
    """The part of a WebSocket that a session uses. `send_*` return when the kernel has taken the bytes."""

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
        """Send until the farewell, or until the client is gone."""
        try:
            if self._receipts is not None:
                self._receipts.listen(self._outbox.receipt)
                self._receipts.ask(self._outbox.receipts_begin())
            while True:
                match await self._outbox.next():
                    case Farewell(code, reason):
                        await self._socket.close(code, reason)
                        return
                    case OutgoingPass() as outgoing:
                        await self._send_pass(outgoing)
                    case message:
                        await self._socket.send_text(encode_message(message))
        except (WebSocketDisconnect, RuntimeError):
            # Gone, or closed by the transport under us: the receiver learns of it and ends the session.
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
