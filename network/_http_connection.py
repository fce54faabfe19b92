"""HTTP connections: uvicorn's protocol on h11, with bounds on what a slow or silent peer can hold."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import h11
import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected

from api_types import ErrorResponse
from error_types import HTTP_STATUS, ErrorCode
from network._peer_pace import Awaited, ReadingDeadline, UnreadWatch
from network._websocket_transport import WebSocketTransport
from network._wrapped_transport import WatchedTransport

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from uvicorn._types import (
        ASGI3Application,
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
    )
    from uvicorn.config import Config
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from network._door import Place
    from runtime_config.runtime_config import DoorConfig

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_LINGER_S: Final = 5.0  # time for a peer that is still sending to read our answer
_SLICE_BYTES: Final = 256 * 1024  # of an answer, handed to the transport at a time
_UNWANTED_BYTES: Final = 1024 * 1024  # of a body that nobody reads any more, before the connection ends
_TOO_SLOW: Final = "The request did not arrive in time."


class HttpConnection(H11Protocol):
    """Differs from the base class as follows:

    - A request has to arrive in time, and an answer has to be read, or the connection ends.
    - It holds a place at the door, which it may have to give up while no request is in progress.
    - When it closes while the peer still sends, the peer gets the chance to read the answer.
    - An application that sends to a peer that is gone learns of it, instead of reading on from a file for nobody.
    - A large answer is handed to the transport in slices, so that one that is not read is not copied as a whole.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        place: Place,
        limits: DoorConfig,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._served_app = cast("ASGI3Application", self.app)
        self.app = self._serve
        self._place = place
        self._limits = limits
        self._reading = ReadingDeadline(self.loop, limits, self._on_late)
        self._lingering: asyncio.TimerHandle | None = None
        self._is_upgraded = False
        self._unwanted = 0  # bytes that came after their request was answered

    # ------------------------------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._inner = transport
        self._watched = WatchedTransport(transport, self._close)
        super().connection_made(self._watched)
        self.flow = _TellingFlowControl(self.transport, self._reading.excuse)
        self._unread = UnreadWatch(self.loop, transport, self._limits, self._on_stuck)
        self._place.taken_by(self)
        self._reading.await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._place.leave()
        self._let_go()

    def turn_away(self) -> None:
        self._inner.abort()

    def data_received(self, data: bytes) -> None:
        if self._lingering is not None:
            return
        super().data_received(data)
        if not (self._is_upgraded or self.transport.is_closing()):
            self._await_rest(len(data))

    def eof_received(self) -> None:
        """asyncio closes the transport after this, and waits without a bound for what is unsent."""
        self._unread.start()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._unread.stop()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The WebSocket holds the place from here on, and has limits of its own."""
        self._is_upgraded = True
        self._let_go()
        self._place.in_use()
        self._place.taken_by(None)
        self.transport = self._inner
        super().handle_websocket_upgrade(event)
        protocol = self._inner.get_protocol()
        assert isinstance(protocol, WebSocketTransport)
        protocol.when_lost(self._place.leave)

    # ------------------------------------------------------------------------------------------ requests

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._reading.await_nothing()
            self._place.idle()

    def _await_rest(self, received: int) -> None:
        """Decide what the peer has to send next."""
        if self.conn.their_state is h11.IDLE:
            self._reading.await_head()
            return
        if self.conn.their_state is not h11.SEND_BODY:
            self._place.in_use()
            self._reading.await_nothing()
            return
        self._place.sending()
        self._reading.await_body(received)
        if self.cycle.response_complete:
            self._unwanted += received
            if self._unwanted > _UNWANTED_BYTES:
                self.transport.close()

    async def _serve(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        cycle = self.cycle

        async def hear() -> ASGIReceiveEvent:
            if cycle.waiting_for_100_continue:
                self._reading.excuse()
            return await receive()

        async def say(message: ASGISendEvent) -> None:
            for part in _slices(message):
                await send(part)
                # The connection may be closing before the loop gets the chance to say that it is lost.
                if cycle.disconnected or (self.transport.is_closing() and not cycle.response_complete):
                    cycle.disconnected = True
                    raise ClientDisconnected

        try:
            await self._served_app(scope, hear, say)
        except ClientDisconnected:
            if not cycle.disconnected:
                raise

    # ------------------------------------------------------------------------------------------ endings

    def send_400_response(self, msg: str) -> None:
        self._answer_and_close(ErrorCode.INVALID_REQUEST, msg, 400)

    def _on_late(self, awaited: Awaited) -> None:
        cycle = self._open_cycle()
        is_ours = self.flow.read_paused or (cycle is not None and cycle.waiting_for_100_continue)
        if awaited is Awaited.BODY and is_ours:
            self._reading.await_body(0)
            return
        logger.info("A slow connection was ended", awaited=awaited.value, client_host=self.client and self.client[0])
        if awaited is Awaited.HEAD and not self.conn.trailing_data[0]:
            self.transport.abort()  # nothing was asked
        else:
            self._answer_and_close(ErrorCode.CLIENT_TOO_SLOW, _TOO_SLOW, HTTP_STATUS[ErrorCode.CLIENT_TOO_SLOW])

    def _on_stuck(self) -> None:
        logger.info("A slow connection was ended", awaited="reading", client_host=self.client and self.client[0])
        self.transport.abort()

    def _answer_and_close(self, code: ErrorCode, message: str, status: int) -> None:
        """Answer in place of the application, if it has not begun to, and close."""
        cycle = self._open_cycle()
        if cycle is not None:
            cycle.disconnected = True  # what it sends from now on goes nowhere
            cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = ErrorResponse(code=code, message=message).model_dump_json().encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            response = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _close(self) -> None:
        """Close once the peer has what was written.

        While it still sends, that would reset the connection, and after a reset it could not read the answer.
        """
        self._reading.await_nothing()
        self._place.in_use()
        self._unread.start()
        if self.conn.their_state not in (h11.SEND_BODY, h11.ERROR):
            self._inner.close()
            return
        self._lingering = self.loop.call_later(_LINGER_S, self._inner.close)
        if self._inner.can_write_eof():
            self._inner.write_eof()
        self._inner.resume_reading()

    def _open_cycle(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # the base class has None before the first request
        return None if cycle is None or cycle.response_complete else cycle

    def _let_go(self) -> None:
        """End the timers, and cut what leads back to this object: it would stay until the garbage collector comes."""
        self._reading.end()
        self._unread.end()
        self._watched.connection_lost()
        self.app = self._served_app
        if self._lingering is not None:
            self._lingering.cancel()


class _TellingFlowControl(FlowControl):
    """Tells when reading goes on after a pause."""

    def __init__(self, transport: asyncio.Transport, on_resume: Callable[[], None]) -> None:
        super().__init__(transport)
        self._on_resume = on_resume

    def resume_reading(self) -> None:
        if self.read_paused:
            self._on_resume()
        super().resume_reading()


def _slices(message: ASGISendEvent) -> Iterator[ASGISendEvent]:
    body = message.get("body", b"") if message["type"] == "http.response.body" else b""
    if len(body) <= _SLICE_BYTES:
        yield message
        return
    for at in range(0, len(body), _SLICE_BYTES):
        more_body = at + _SLICE_BYTES < len(body) or bool(message.get("more_body", False))
        yield {"type": "http.response.body", "body": body[at : at + _SLICE_BYTES], "more_body": more_body}
