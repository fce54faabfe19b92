"""Tools for agents at /mcp: whether there are any, and the door that opens with the first who asks."""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from sign_in import CALLER_SCOPE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from starlette.types import Receive, Scope, Send

    from handlers.agents.agent_worlds import AgentWorlds
    from handlers.agents.door import AgentDoor
    from sign_in import Caller

_DOOR: Final = "handlers.agents.door"
_NEEDED: Final = ("mcp", "terrarium_client")
_MISSING: Final = (
    "This server has no tools for agents. To get them, run pip install -e '.[mcp]' ./client in its folder, and start it"
    " again."
)
_ENDING_S: Final = 0.5  # for answers of calls whose sessions have just ended
_OPENING_S: Final = 1.0  # for the packages, where the server stops while they are imported


class AgentsHandler:
    """What the tools are made of is imported, and their sessions kept, from the first request on."""

    def __init__(self, worlds: AgentWorlds, threads: Executor, *, needed: Sequence[str] = _NEEDED) -> None:
        """`worlds` are what the tools work on, `needed` the packages that they are made of."""
        self._worlds = worlds
        self._threads = threads
        self._needed = needed
        self._opening: asyncio.Task[AgentDoor] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def require(self) -> None:
        """Raises: DomainError, this server has no tools, or is about to stop."""
        if self._is_closed:
            raise DomainError("The server is shutting down.", ErrorCode.SHUTTING_DOWN)
        try:
            if any(find_spec(name) is None for name in self._needed):
                raise DomainError(_MISSING, ErrorCode.AGENTS_MISSING)
            await self._door()
        except ImportError as error:  # they are there, and of another version
            self._opening = None
            raise DomainError(_MISSING, ErrorCode.AGENTS_MISSING) from error

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of the protocol, after `require`. It ends with what its caller is known by."""
        door = await self._door()
        serving = asyncio.create_task(door.answer(scope, receive, send))
        self._serving.add(serving)
        caller: Caller = scope[CALLER_SCOPE]
        caller.revocation.on_revoked(lambda: _stop(serving))
        try:
            await asyncio.wait({serving})
        finally:
            self._serving.discard(serving)
            serving.cancel()
        if not serving.cancelled():
            serving.result()

    async def close(self) -> None:
        """Idempotent. The sessions of the server have ended before."""
        self._is_closed = True
        if self._serving:
            await asyncio.wait(self._serving, timeout=_ENDING_S)
        for serving in tuple(self._serving):
            serving.cancel()
        opening, self._opening = self._opening, None
        if opening is not None:
            await asyncio.wait({opening}, timeout=_OPENING_S)
            if opening.done() and opening.exception() is None:
                await opening.result().close()

    async def _door(self) -> AgentDoor:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> AgentDoor:
        await in_thread(self._threads, lambda: import_module(_DOOR))  # it takes a second
        from handlers.agents.door import AgentDoor

        return await AgentDoor.opened(self._worlds)


def _stop(serving: asyncio.Task[None]) -> None:
    serving.cancel()
