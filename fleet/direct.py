"""The port on which one server of a fleet serves those who were sent to it, beside the way through Ray's proxy.

It opens and closes with the application, whose sockets are then those of this port.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import structlog

from network.direct_door import DirectDoor
from network.guarded_server import GuardedServer
from network.http_server import uvicorn_config
from network.listening_socket import create_listening_socket
from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Generator

    from fastapi import FastAPI

    from app_handler import AppHandler

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MOST_PORTS: Final = 256  # that are tried, from the first on


class _DirectServer(GuardedServer):
    """Leaves signals to the process that it is a part of."""

    def __init__(self, app: FastAPI, handler: AppHandler, listener: socket.socket) -> None:
        current = handler.settings.current
        config = uvicorn_config(DirectDoor(app, handler.places), current.now, lifespan="off")
        super().__init__(config, listener, current.part(lambda config: config.door))
        self.has_started = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()


def listen_directly(app: FastAPI, handler: AppHandler, listener: socket.socket, address: str) -> None:
    """From its start to its end, `app` is to serve on `listener` too, which clients reach at `address`."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncGenerator[Any]:
        async with inner(application) as state, _listening(app, handler, listener, address):
            yield state

    app.router.lifespan_context = lifespan


@contextmanager
def free_port(host: str, first: int) -> Generator[socket.socket]:
    """A listener on the first free port from `first` on, or on any where that is 0, to the end of the block.

    Raises:
        LaunchError: none of them can be used.
    """
    for port in range(first, first + _MOST_PORTS) if first else (0,):
        try:
            listener = create_listening_socket(host, port)
        except LaunchError:
            if port in (0, first + _MOST_PORTS - 1):
                raise
            continue
        with listener:
            yield listener
        return


@asynccontextmanager
async def _listening(app: FastAPI, handler: AppHandler, listener: socket.socket, address: str) -> AsyncGenerator[None]:
    server = _DirectServer(app, handler, listener)
    serving = asyncio.create_task(server.serve())
    started = asyncio.create_task(server.has_started.wait())
    try:
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()  # raises why it could not begin
        handler.peers.receive_at(address)
        logger.info("Players who were sent here are served", address=address)
        yield
    finally:
        started.cancel()
        handler.peers.receive_at(None)
        await handler.drain()
        server.should_exit = True
        await asyncio.wait({serving})
