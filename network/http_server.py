"""The HTTP server: uvicorn, configured for this application and stopped in bounded time."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final, Literal

import structlog
import uvicorn

from crash_hooks import log_loop_exception
from logging_policy import log_background_exception
from network._websocket_transport import WebSocketTransport
from network.guarded_server import GuardedServer
from network.listening_socket import browser_url
from services.outlasting import outlast

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from types import FrameType

    from starlette.types import ASGIApp

    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_STOP_S: Final = 5.0
_FORCED_STOP_S: Final = 0.5
_CONNECTIONS_END_S: Final = 0.6  # the time for open connections to end, after the drain


class TerrariumServer(GuardedServer):
    """Serves `app` on `listener` until SIGINT, SIGTERM or `request_exit`. A second SIGINT forces the end.

    `on_started` gets the URL for a browser once connections are accepted, unless a stop has begun by then. `drain` is
    awaited before connections are shut down, for `config.drain_timeout_s` at most. `on_exit` is called when a stop
    begins, possibly in a signal handler, with the seconds that the stop may take. If the stop takes longer, the caller
    has to end the process.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: Current[RuntimeConfig],
        listener: socket.socket,
        *,
        on_started: Callable[[str], None],
        drain: Callable[[], Awaitable[None]],
        on_exit: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        super().__init__(uvicorn_config(app, config.now), listener, config.part(lambda config: config.door))
        self._listener = listener
        self._on_started = on_started
        self._drain = drain
        self._drain_timeout_s = config.now.drain_timeout_s
        self._on_exit = on_exit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forced = asyncio.Event()

    def request_exit(self) -> None:
        """Begin a clean stop. May be called from any thread, and repeatedly."""
        if not self.should_exit:
            self.should_exit = True
            self._on_exit(_STOP_S)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a stop signal. The base class would raise it again at the end; here a clean stop exits with 0."""
        del frame
        if not self.should_exit:
            self.request_exit()
        elif sig == signal.SIGINT and not self.force_exit:
            self.force_exit = True
            self._on_exit(_FORCED_STOP_S)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._forced.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever is cancelled in here, however often, has asked for a stop, and sees its end first."""
        serving = asyncio.ensure_future(super().serve(sockets))
        if await outlast(serving, when_cancelled=self.request_exit):
            raise asyncio.CancelledError
        serving.result()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(log_loop_exception)
        await super().startup(sockets)
        if not self.should_exit:
            self._on_started(browser_url(self._listener))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.close_door()  # accept no new connections while sessions end
        await self._drain_bounded()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _drain_bounded(self) -> None:
        draining = asyncio.ensure_future(self._drain())
        forced = asyncio.ensure_future(self._forced.wait())
        try:
            await asyncio.wait({draining, forced}, timeout=self._drain_timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forced.cancel()
        if not draining.done():
            logger.warning("Sessions did not end in time", timeout_s=self._drain_timeout_s, forced=self.force_exit)
            draining.cancel()
        elif not draining.cancelled() and (exc := draining.exception()) is not None:
            log_background_exception("drain", exc)


def uvicorn_config(app: ASGIApp, config: RuntimeConfig, *, lifespan: Literal["on", "off"] = "on") -> uvicorn.Config:
    limits = config.limits
    return uvicorn.Config(
        app,
        host=config.access.host,
        port=config.access.port,
        loop="asyncio",
        http="h11",
        ws=WebSocketTransport,
        ws_max_size=limits.max_frame_bytes,
        ws_ping_interval=limits.ping_interval_s,
        ws_ping_timeout=limits.ping_timeout_s,
        ws_per_message_deflate=False,  # JPEGs do not compress any further
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=config.door.keep_alive_s,  # pyright: ignore[reportArgumentType] - asyncio accepts fractions
        proxy_headers=False,  # whether a client is local is judged by its connection, not by headers that it can forge
        # uvicorn passes it to asyncio, which accepts fractions.
        timeout_graceful_shutdown=_CONNECTIONS_END_S,  # pyright: ignore[reportArgumentType] - the base declares int
    )
