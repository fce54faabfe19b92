"""The tools of the Python client over streamable HTTP, on worlds of this server. Imported when an agent first asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self

from mcp.server.transport_security import TransportSecuritySettings
from terrarium_client.errors import RefusedError
from terrarium_client.gallery import GallerySeed
from terrarium_client.mcp_desk import IDLE_S, AgentCaller, WorldDesk
from terrarium_client.mcp_tools import FORM, build_server
from terrarium_client.world import World

from access_rules import Person
from error_types import DomainError
from handlers.agents.session_transport import SessionTransport
from sign_in import CALLER_SCOPE

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send
    from terrarium_client.transport import Transport

    from handlers.agents.agent_worlds import AgentWorlds
    from sign_in import Caller

_MOST_SESSIONS: Final = 1000  # of the protocol, which hold no world by themselves
_SESSION_HEADER: Final = b"mcp-session-id"


class LocalWorlds:
    """`Worlds` of this server, for whoever makes the request: with their rights, and not with the server's."""

    def __init__(self, worlds: AgentWorlds) -> None:
        self._worlds = worlds

    def caller(self, context: Context[Any, Any]) -> AgentCaller:
        return agent_of(_request_of(context).scope)

    def open(self, context: Context[Any, Any]) -> World:
        request = _request_of(context)
        caller: Caller = request.scope[CALLER_SCOPE]
        host = "unknown" if request.client is None else request.client.host

        async def connect() -> Transport:
            return SessionTransport(self._worlds, caller, host)

        return World(connect, form=FORM)

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]:
        caller: Caller = _request_of(context).scope[CALLER_SCOPE]
        try:
            seeds = await self._worlds.seeds(caller.visitor)
        except DomainError as error:
            raise RefusedError(error.message, error.code.value) from error
        return tuple(GallerySeed(hash=seed.hash, title=seed.title, model=seed.model) for seed in seeds)


class AgentDoor:
    def __init__(self, desk: WorldDesk) -> None:
        self._desk = desk
        server = build_server(desk)
        # Hosts and origins are the business of the server's own middleware.
        server.streamable_http_app(
            json_response=True,
            session_idle_timeout=IDLE_S,
            max_sessions=_MOST_SESSIONS,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        self._manager: StreamableHTTPSessionManager = server.session_manager
        self._closing = asyncio.Event()
        self._is_open = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    @classmethod
    async def opened(cls, worlds: AgentWorlds) -> Self:
        door = cls(WorldDesk(LocalWorlds(worlds)))
        await door._is_open.wait()
        return door

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)
        if scope["method"] == "DELETE":
            await self._desk.end_all(agent_of(scope).key)

    async def close(self) -> None:
        self._closing.set()
        await asyncio.wait({self._running})

    async def _run(self) -> None:
        """In a task of its own, as a task group is left by the task that has entered it."""
        async with self._manager.run(), self._desk:
            self._is_open.set()
            await self._closing.wait()


def agent_of(scope: Scope) -> AgentCaller:
    """Worlds count by person, and are found again by what the person is known by, in the same session of the protocol
    where there is one."""
    caller: Caller = scope[CALLER_SCOPE]
    session = next((value for name, value in scope["headers"] if name == _SESSION_HEADER), b"")
    who: Hashable = caller.visitor.user_id if isinstance(caller.visitor, Person) else caller.visitor
    return AgentCaller(who, (who, caller.credential, session))


def _request_of(context: Context[Any, Any]) -> Request:
    request: Request | None = context.request_context.request
    assert request is not None, "tools are called by HTTP here"
    return request
