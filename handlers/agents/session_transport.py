"""A session of this server without a network between: through the same door, as the one who asked for it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

import structlog
from starlette.websockets import WebSocket
from terrarium_client.errors import ConnectionLostError

from access_rules import VISITOR_SCOPE
from sign_in import CALLER_SCOPE
from wire_protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    from starlette.types import Message, Scope

    from handlers.agents.agent_worlds import AgentWorlds
    from sign_in import Caller

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MOST_WAITING: Final = 64  # messages; the server waits for whoever reads more slowly


class SessionTransport:
    """A `Transport` of the client, and what the server takes for a WebSocket. Made on the event loop, in the time of
    the request that asked for it: until then the caller can be cut off by that request."""

    def __init__(self, worlds: AgentWorlds, caller: Caller, client_host: str) -> None:
        self._worlds = worlds
        self._to_server: asyncio.Queue[Message] = asyncio.Queue()
        self._to_client: asyncio.Queue[Message | None] = asyncio.Queue(_MOST_WAITING)
        self._is_closed = False
        self._to_server.put_nowait({"type": "websocket.connect"})
        with ExitStack() as stack:
            held = stack.enter_context(worlds.held(caller))
            socket = WebSocket(_scope(held, client_host), self._to_server.get, self._from_server)
            self._serving = asyncio.create_task(self._serve(socket, stack.pop_all()))

    async def send(self, text: str) -> None:
        if self._serving.done() or self._is_closed:
            raise _lost()
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self) -> str | bytes:
        while (message := await self._to_client.get()) is not None:
            if message["type"] == "websocket.send":
                return message.get("text") or message["bytes"]
        raise _lost()

    async def close(self) -> None:
        self._is_closed = True
        while not self._to_client.empty():  # somebody may wait to put more
            self._to_client.get_nowait()
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait({self._serving})

    async def _from_server(self, message: Message) -> None:
        if self._is_closed:
            raise OSError("The client has gone.")  # what a socket does
        await self._to_client.put(message)

    async def _serve(self, socket: WebSocket, held: ExitStack) -> None:
        try:
            with held:
                await self._worlds.serve(socket)
        except Exception:
            logger.exception("A session of an agent failed")
        finally:
            self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})
            with suppress(asyncio.QueueFull):
                self._to_client.put_nowait(None)


def _scope(caller: Caller, client_host: str) -> Scope:
    query = f"protocol_version={PROTOCOL_VERSION}&client=terrarium&mode=stepped"
    return {
        "type": "websocket",
        "path": "/ws",
        "query_string": query.encode(),
        "headers": [],
        "client": (client_host, 0),
        VISITOR_SCOPE: caller.visitor,
        CALLER_SCOPE: caller,
    }


def _lost() -> ConnectionLostError:
    return ConnectionLostError("The session of this world has ended.")
