"""WebSocket connections: uvicorn's protocol, with bounds on what a peer that does not read can block."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.protocol import OPEN

from network._paths import collapse_slashes
from network._ping_receipts import PingReceipts
from network._told_refusal import STOP_LISTENING
from network._wrapped_transport import BoundedTransport
from services.read_receipts.read_receipts import SCOPE_EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import (
        ASGI3Application,
        ASGIReceiveCallable,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
        WebSocketScope,
    )
    from uvicorn.config import Config
    from uvicorn.server import ServerState
    from websockets.frames import Frame

_ABORT_GRACE_S: Final = 1.0  # from closing a transport to aborting it
_CLOSE_ECHO_S: Final = 2.0  # from our close frame to closing the transport, if the peer does not answer it
_LINGER_S: Final = 5.0  # time for a peer that is still sending to read our close frame
_STOPPING_S: Final = 0.25  # replaces the first two of these while the server stops
_UNHEARD_S: Final = 0.25  # replaces the second where the answer would not be heard
_PATH_OF_SESSIONS: Final = "/ws"
_LONGEST_ELSEWHERE: Final = 16 * 1024  # bytes of a message; whoever watches sends nothing longer than a control
_LONGEST_REASON: Final = 123  # bytes; a control frame has 125, and the code takes two


class WebSocketTransport(WebSocketsSansIOProtocol):
    """Differs from the base class as follows:

    - `send` returns once the operating system has the message. So the caller can replace stale frames until then.
    - The application can request receipts that tell how far the peer has read, and have what it sends discarded.
    - A peer that vanishes or stops reading is disconnected, and its socket is freed, in bounded time.
    - Only a session takes messages of up to `ws_max_size`, as pictures come with them; every other socket 16 KiB.
    - Any data from the peer count as a sign of life, because a long upload delays the pong that is queued behind it.
    - A message that breaks a limit is answered with a close frame that reaches the peer even while it still sends.
    - If the application fails or returns, a close frame is sent. Query strings never reach a log.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = _CLOSE_ECHO_S
        self.conn.debug = False  # it would log request lines
        self._served_app = cast("ASGI3Application", self.app)
        self.app = self._run_app
        self._heard_at = self.loop.time()
        self._discards = False
        self._on_lost: Callable[[], None] | None = None
        self._receipts = PingReceipts(self._send_ping)

    # ------------------------------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._bounded = BoundedTransport(cast("asyncio.Transport", transport), self.loop, _ABORT_GRACE_S)
        self._bounded.set_write_buffer_limits(high=0)  # the protocol is writable only once the kernel has everything
        self.transport = self._bounded

    def when_lost(self, call: Callable[[], None]) -> None:
        """Have `call` called when the connection has ended."""
        self._on_lost = call

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(
            1006, ""
        )  # unless the peer has closed before; the base class would call this a close without a code
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()
            self._on_lost = None
        self._bounded.connection_lost()
        # What leads back to this object would keep it, and the session it served, until the garbage collector comes.
        self.app = self._served_app
        self.ping_timer = self.pong_timer = None
        self._receipts.end()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        if not self.handshake_initiated and not self._may_send_pictures(data):
            self.conn.max_message_size = min(self.config.ws_max_size, _LONGEST_ELSEWHERE)
        if not self._discards:
            super().data_received(data)

    def _may_send_pictures(self, head: bytes) -> bool:
        """By the request for the socket, which comes first and whole. The parser reads the limit right behind it."""
        path = head.split(b" ", 2)[1].partition(b"?")[0].decode("latin-1")
        return collapse_slashes(unquote(path)) == _PATH_OF_SESSIONS

    def eof_received(self) -> None:
        self._leave(1006, "")
        self.transport.close()  # asyncio would close the inner transport, which waits for unsent bytes without a bound

    def pause_writing(self) -> None:
        if not self.disconnected:
            super().pause_writing()

    def keepalive_timeout(self) -> None:
        if self.ping_timeout is not None:
            left = self._heard_at + self.ping_timeout - self.loop.time()
            if left > 0:
                self.pong_timer = self.loop.call_later(left, self.keepalive_timeout)
                return
        if not (self.close_sent or self.transport.is_closing()):
            super().keepalive_timeout()
            self._leave(1011, "keepalive ping timeout")

    def shutdown(self) -> None:
        self.close_timeout = self._bounded.grace_s = _STOPPING_S
        if self._is_open():
            self.stop_keepalive()
            self._close(1012, "the server is stopping")
            self._leave(1012, "the server is stopping")
        else:
            super().shutdown()

    # ------------------------------------------------------------------------------------------ messages

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close" and self._is_open():
            # Do not wait for unsent messages. The close frame queues behind them, and the peer's time to answer begins.
            self._close(message.get("code") or 1000, message.get("reason") or "")
            return
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # refused, in full: the base class would log an error
        await self.writable.wait()
        if self.disconnected and message["type"] == "websocket.send":
            raise ClientDisconnected

    def stop_listening(self) -> None:
        """Discard unread what the peer sends from here on, its answer to our close frame too."""
        self._discards = True
        self.close_timeout = _UNHEARD_S

    def handle_pong(self, event: Frame) -> None:
        if not self._receipts.take(bytes(event.data)):
            super().handle_pong(event)

    def _send_ping(self, payload: bytes) -> None:
        if self._is_open():
            self.conn.send_ping(payload)
            self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_ping(self) -> None:
        if not self._discards:
            super().handle_ping()

    def handle_parser_exception(self) -> None:
        """Answer a violation of the protocol or a limit with a close frame, and discard what else arrives.

        Closing a socket with unread bytes resets the connection, and after a reset the peer could not read the close
        frame.
        """
        sent = self.conn.close_sent
        self._leave(*((1006, "") if sent is None else (sent.code, sent.reason)))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self._discards = True
        self.stop_keepalive()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._await_peer(_LINGER_S)

    # ------------------------------------------------------------------------------------------ the application

    async def _run_app(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        # The application gets the full scope. The base class logs the copy here, which has no query string.
        self.scope = cast("WebSocketScope", {**scope, "query_string": b""})
        extensions = cast("dict[str, object]", cast("WebSocketScope", scope).get("extensions"))
        extensions[SCOPE_EXTENSION] = self._receipts
        extensions[STOP_LISTENING] = self.stop_listening
        code, reason = 1000, ""
        try:
            await self._served_app(scope, receive, send)
        except asyncio.CancelledError:  # the server stops and cannot wait any longer
            code, reason = 1012, "the server is stopping"
        except BaseException:  # only chooses the close code; the exception is raised again
            code, reason = 1011, "internal error"
            raise
        finally:
            del extensions[STOP_LISTENING]  # the scope outlives the connection, and must not lead back to it
            if self._is_open():
                self._close(code, reason)

    # ------------------------------------------------------------------------------------------ closing

    def _is_open(self) -> bool:
        accepted = self.handshake_complete and self.initial_response is None
        return accepted and not (self.close_sent or self.disconnected or self.transport.is_closing())

    def _close(self, code: int, reason: str) -> None:
        if self.conn.state is not OPEN:  # the peer has closed first
            raise ClientDisconnected from InvalidState(f"connection is {self.conn.state.name.lower()}")
        reason = reason.encode(errors="replace")[:_LONGEST_REASON].decode(errors="ignore")
        self.conn.send_close(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._await_peer(self.close_timeout)

    def _leave(self, code: int, reason: str) -> None:
        """Tell the application that the peer is gone, whether it is receiving or waiting to send."""
        if not self.disconnected:
            self.disconnected = True
            self.writable.set()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    def _await_peer(self, seconds: float) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, self.transport.close)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
