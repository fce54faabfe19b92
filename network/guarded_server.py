"""A uvicorn server whose connections come in through a door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
import uvicorn

from network._acceptor import Acceptor
from network._descriptors import connection_limit, raise_descriptor_limit
from network._door import Door
from network._http_connection import HttpConnection
from runtime_config.current import Current
from runtime_config.web_origin import is_loopback_host

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from network._door import Place
    from runtime_config.runtime_config import DoorConfig

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class GuardedServer(uvicorn.Server):
    """Serves one listener with uvicorn's own means, but for the accepting of connections and their limits.

    `is_local` says which addresses count as this machine's. The soft limit on open files is raised for the process.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        limits: Current[DoorConfig],
        *,
        is_local: Callable[[str], bool] = is_loopback_host,
    ) -> None:
        super().__init__(config)
        self._limits = limits
        self._descriptors = raise_descriptor_limit()
        self._asked: int | None = None  # for the last connection, and possible or not
        self._door = Door(
            most=Current(self._most_connections),
            most_per_address=limits.part(lambda limits: limits.max_connections_per_address),
            chance_s=limits.now.chance_s,
            is_local=is_local,
        )
        self._guarded = listener
        self._acceptor = Acceptor(listener, self._door, self._connection)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets or [self._guarded])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        del sockets  # on those that it is given, the base class would accept connections itself
        await super().startup([])
        self._acceptor.start()

    def close_door(self) -> None:
        """Accept nothing more."""
        self._acceptor.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.close_door()
        await super().shutdown(sockets)

    def _most_connections(self) -> int:
        asked = self._limits.now.max_connections
        most = connection_limit(self._descriptors, asked)
        if asked is not None and most < asked != self._asked:
            files = self._descriptors
            logger.warning("Fewer connections are allowed than asked for", asked=asked, allowed=most, files=files)
        self._asked = asked
        return most

    def _connection(self, place: Place) -> asyncio.Protocol:
        return HttpConnection(
            self.config,
            self.server_state,
            self.lifespan.state,
            asyncio.get_running_loop(),
            place=place,
            limits=self._limits.now,
        )
