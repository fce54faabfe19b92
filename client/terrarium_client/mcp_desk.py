"""The worlds that agents are in, and whose they are: what the tools work on, here and in the server."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from mcp.server.mcpserver.exceptions import ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
    from contextlib import AbstractAsyncContextManager

    from mcp.server.mcpserver import Context

    from terrarium_client.gallery import GallerySeed
    from terrarium_client.world import Film, World

MOST_WORLDS: Final = 4  # of one person
IDLE_S: Final = 900.0
_LOOK_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """Who calls a tool. `who` may be in so many worlds; only the same `key` finds them again."""

    who: Hashable
    key: Hashable


class Worlds(Protocol):
    """Where worlds come from, for whoever calls a tool. Raises: TerrariumError, from any of these."""

    def caller(self, context: Context[Any, Any]) -> AgentCaller: ...

    def open(self, context: Context[Any, Any]) -> World:
        """A session of the caller's, not connected yet."""
        ...

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]: ...


@dataclass(slots=True, eq=False)
class Visit:
    """An open world, and the film that is being made of it. Whoever uses it has the `turn`."""

    name: str
    world: World
    caller: AgentCaller
    used_at: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    filming: tuple[AbstractAsyncContextManager[Film], Film] | None = None


class WorldDesk:
    """To be entered: leaving it ends every session. A world that nobody has used for `idle_s` ends by itself."""

    def __init__(self, worlds: Worlds, *, idle_s: float = IDLE_S) -> None:
        self._worlds = worlds
        self._idle_s = idle_s
        self._visits: dict[str, Visit] = {}
        self._opening: list[Hashable] = []  # who is about to be in one more world
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._end_idle())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await self._end(list(self._visits.values()))

    @asynccontextmanager
    async def started(
        self, context: Context[Any, Any], begin: Callable[[World], Awaitable[object]]
    ) -> AsyncGenerator[Visit]:
        """Open a session, and `begin` a world in it; the caller has its turn in the block. It stays, unless the block
        raises. Raises: ToolError, TerrariumError."""
        caller = self._worlds.caller(context)
        visit = Visit(secrets.token_hex(16), await self._begun(context, caller, begin), caller)
        self._visits[visit.name] = visit
        async with visit.turn:
            try:
                yield visit
            except BaseException:
                await self._end([visit])
                raise
            visit.used_at = time.monotonic()

    @asynccontextmanager
    async def turn(self, context: Context[Any, Any], name: str) -> AsyncGenerator[Visit]:
        """A world of the caller's, for them alone until the end of the block. Raises: ToolError, there is none."""
        visit = self._find(context, name)
        async with visit.turn:
            if self._visits.get(name) is not visit:
                raise _unknown(name)
            try:
                yield visit
            finally:
                visit.used_at = time.monotonic()
                if not visit.world.is_open:
                    await self._end([visit])

    async def leave(self, context: Context[Any, Any], name: str) -> None:
        """Raises: ToolError, the caller is in no such world."""
        await self._end([self._find(context, name)])

    async def end_all(self, key: Hashable) -> None:
        """The caller with that key has gone."""
        await self._end([visit for visit in self._visits.values() if visit.caller.key == key])

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]:
        return await self._worlds.gallery(context)

    async def _begun(
        self, context: Context[Any, Any], caller: AgentCaller, begin: Callable[[World], Awaitable[object]]
    ) -> World:
        self._require_place(caller.who)
        self._opening.append(caller.who)
        try:
            world = self._worlds.open(context)
            await world.__aenter__()
            try:
                await begin(world)
            except BaseException:
                await world.__aexit__()
                raise
            return world
        finally:
            self._opening.remove(caller.who)

    def _find(self, context: Context[Any, Any], name: str) -> Visit:
        visit = self._visits.get(name)
        if visit is None or visit.caller.key != self._worlds.caller(context).key:
            raise _unknown(name)
        return visit

    def _require_place(self, who: Hashable) -> None:
        visits = sum(visit.caller.who == who and visit.world.is_open for visit in self._visits.values())
        taken = visits + self._opening.count(who)
        if taken >= MOST_WORLDS:
            raise ToolError(f"You are in {MOST_WORLDS} worlds, as many as you may. Leave one of them first.")

    async def _end(self, visits: list[Visit]) -> None:
        for visit in visits:
            self._visits.pop(visit.name, None)
        await asyncio.gather(*(visit.world.__aexit__() for visit in visits), return_exceptions=True)

    async def _end_idle(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s, _LOOK_EVERY_S))
            now = time.monotonic()
            left = (visit for visit in self._visits.values() if not visit.turn.locked())
            with suppress(Exception):
                await self._end([visit for visit in left if now - visit.used_at > self._idle_s])


def _unknown(name: str) -> ToolError:
    return ToolError(f"You are in no world “{name[:40]}”. Start one, or look at the ids that you were given.")
