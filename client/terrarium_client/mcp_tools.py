"""Worlds as tools for agents, by the Model Context Protocol.

`python -m terrarium_client.mcp_tools http://127.0.0.1:7987` speaks it over stdio, for the server at that address.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol, TypeAlias

import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from terrarium_client.errors import TerrariumError
from terrarium_client.gallery import GallerySeed, gallery
from terrarium_client.world import FrameFormat, World, connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Hashable
    from contextlib import AbstractAsyncContextManager

    from terrarium_client.passes import Picture
    from terrarium_client.world import Film

SIZE: Final = (640, 360)  # enough for an agent to see by, and small enough to be read often
FORM: Final = FrameFormat("rgb", SIZE)
_QUALITY: Final = 85
_MOST_WORLDS: Final = 4  # of one caller
_IDLE_S: Final = 900.0
_INSTRUCTIONS: Final = (
    "Walk through worlds that begin in pictures. `pictures` lists what there is, `start` opens a world and gives its "
    "id, which every other tool needs. The world stands still until you `walk` or `turn`. `leave` it when you are done."
)
_WAYS: Final = {"forward": "W", "back": "S", "left": "A", "right": "D"}

WorldId: TypeAlias = Annotated[str, Field(description="the id that `start` or `branch` gave")]


class Worlds(Protocol):
    """Where worlds come from, for whoever calls a tool. Raises: TerrariumError, from any of these."""

    def caller(self, context: Context[Any, Any]) -> Hashable:
        """Who calls: worlds of others do not exist for them."""
        ...

    def open(self, context: Context[Any, Any]) -> World:
        """A session of the caller's, not connected yet."""
        ...

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]: ...


class RemoteWorlds:
    """`Worlds` of the server at `url`, all for the one who has started this process."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token

    def caller(self, context: Context[Any, Any]) -> Hashable:
        del context
        return "me"

    def open(self, context: Context[Any, Any]) -> World:
        del context
        return connect(self._url, token=self._token, size=SIZE)

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]:
        del context
        return await asyncio.to_thread(gallery, self._url, token=self._token)


@dataclass(slots=True)
class Visit:
    """An open world, and the film that is being made of it."""

    world: World
    caller: Hashable
    used_at: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    filming: tuple[AbstractAsyncContextManager[Film], Film] | None = None


class WorldDesk:
    """The worlds that agents are in. `close` ends their sessions; those that were left alone end when others begin."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._visits: dict[str, Visit] = {}

    async def start(self, context: Context[Any, Any], begin: Callable[[World], Awaitable[object]]) -> tuple[str, World]:
        """Open a session, and `begin` a world in it. Raises: ToolError, TerrariumError."""
        caller = self._worlds.caller(context)
        await self._end_idle()
        if sum(visit.caller == caller for visit in self._visits.values()) >= _MOST_WORLDS:
            raise ToolError(f"You are in {_MOST_WORLDS} worlds, as many as you may. Leave one of them first.")
        world = self._worlds.open(context)
        await world.__aenter__()
        try:
            await begin(world)
        except BaseException:
            await world.__aexit__()
            raise
        name = secrets.token_hex(8)
        self._visits[name] = Visit(world, caller)
        return name, world

    def find(self, context: Context[Any, Any], name: str) -> Visit:
        """Raises: ToolError, the caller is in no such world."""
        visit = self._visits.get(name)
        if visit is None or visit.caller != self._worlds.caller(context):
            raise ToolError(f"You are in no world “{name[:40]}”. Start one, or look at the ids that you were given.")
        visit.used_at = time.monotonic()
        return visit

    async def leave(self, context: Context[Any, Any], name: str) -> None:
        visit = self.find(context, name)
        self._visits.pop(name, None)
        await visit.world.__aexit__()

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]:
        return await self._worlds.gallery(context)

    async def close(self) -> None:
        visits, self._visits = list(self._visits.values()), {}
        await asyncio.gather(*(visit.world.__aexit__() for visit in visits), return_exceptions=True)

    async def _end_idle(self) -> None:
        now = time.monotonic()
        for name in [name for name, visit in self._visits.items() if now - visit.used_at > _IDLE_S]:
            visit = self._visits.pop(name, None)
            if visit is not None:
                await visit.world.__aexit__()


def build_server(desk: WorldDesk) -> MCPServer[Any]:
    """The tools, on `desk`. Whoever runs the server closes the desk afterwards."""
    server: MCPServer[Any] = MCPServer("Terrarium", instructions=_INSTRUCTIONS)
    _add_ways_in_and_out(server, desk)
    _add_moves(server, desk)
    _add_keeping(server, desk)
    return server


def _add_ways_in_and_out(server: MCPServer[Any], desk: WorldDesk) -> None:
    @server.tool()
    async def pictures(ctx: Context[Any, Any]) -> list[dict[str, str]]:
        """List the pictures that a world can begin in."""
        with _told():
            return [{"seed": seed.hash, "title": seed.title} for seed in await desk.gallery(ctx)]

    @server.tool()
    async def start(
        ctx: Context[Any, Any],
        seed: Annotated[str | None, Field(description="from `pictures`; the first one if left out")] = None,
        saved: Annotated[str | None, Field(description="the id of a saved world, instead of a seed")] = None,
        model: Annotated[str | None, Field(description="the id of an engine; the best one if left out")] = None,
    ) -> list[str | Image]:
        """Begin a world. Gives its id, and what is seen there."""
        with _told():
            if seed is None and saved is None:
                seed = (await desk.gallery(ctx))[0].hash
            name, world = await desk.start(ctx, lambda world: world.init(seed=seed, world=saved, model=model))
            return [f"You are in the world {name}.", _image(await world.look())]

    @server.tool()
    async def leave(ctx: Context[Any, Any], world: WorldId) -> str:
        """Leave a world for good. Save it first if you want to come back."""
        with _told():
            await desk.leave(ctx, world)
            return "You have left."


def _add_moves(server: MCPServer[Any], desk: WorldDesk) -> None:
    @server.tool()
    async def look(ctx: Context[Any, Any], world: WorldId) -> Image:
        """See what is before you."""
        visit = desk.find(ctx, world)
        with _told():
            return _image(await visit.world.look())

    @server.tool()
    async def walk(
        ctx: Context[Any, Any],
        world: WorldId,
        direction: Literal["forward", "back", "left", "right"] = "forward",
        steps: Annotated[int, Field(ge=1, le=120, description="a step is some tenth of a second")] = 10,
        *,
        run: bool = False,
    ) -> Image:
        """Walk, and see where it has led you."""
        visit = desk.find(ctx, world)
        keys = (_WAYS[direction], "SHIFT") if run else (_WAYS[direction],)
        with _told():
            async with visit.turn:
                return _image([await visit.world.step(*keys) for _ in range(steps)][-1].picture)

    @server.tool()
    async def turn(
        ctx: Context[Any, Any],
        world: WorldId,
        right: Annotated[float, Field(ge=-2000, le=2000, description="pixels of a mouse; negative is left")] = 0.0,
        down: Annotated[float, Field(ge=-1000, le=1000, description="pixels of a mouse; negative is up")] = 0.0,
    ) -> Image:
        """Turn your head, and see what is there. 300 pixels are a good look aside."""
        visit = desk.find(ctx, world)
        parts = max(1, int(max(abs(right), abs(down)) // 60))  # as fast as a hand
        with _told():
            async with visit.turn:
                for _ in range(parts):
                    await visit.world.step(mouse=(right / parts, down / parts))
                return _image((await visit.world.step()).picture)


def _add_keeping(server: MCPServer[Any], desk: WorldDesk) -> None:
    @server.tool()
    async def save(ctx: Context[Any, Any], world: WorldId, title: Annotated[str, Field(max_length=200)] = "") -> str:
        """Keep this moment on the server. Gives the id by which `start` opens it as `saved`."""
        visit = desk.find(ctx, world)
        with _told():
            return (await visit.world.save(title)).world_id

    @server.tool()
    async def branch(ctx: Context[Any, Any], world: WorldId) -> list[str | Image]:
        """Begin another world at this very moment; both go on apart. Gives the id of the new one."""
        visit = desk.find(ctx, world)
        with _told():
            saved = await visit.world.save("A branch")
            name, other = await desk.start(ctx, lambda other: other.init(world=saved.world_id))
            return [f"You are in the world {name} as well.", _image(await other.look())]

    @server.tool()
    async def edit(ctx: Context[Any, Any], world: WorldId, words: Annotated[str, Field(min_length=1)]) -> Image:
        """Change the scene by words, such as “make it snow”, where the server has models for that."""
        visit = desk.find(ctx, world)
        with _told():
            async with visit.turn:
                await visit.world.edit(words)
                return _image(await visit.world.look())

    @server.tool()
    async def film(ctx: Context[Any, Any], world: WorldId, *, on: bool) -> str:
        """Begin to film what you do, or end it. Ended, it gives the name of the recording on the server."""
        visit = desk.find(ctx, world)
        with _told():
            async with visit.turn:
                return await (_begin_film(visit) if on else _end_film(visit))


async def _begin_film(visit: Visit) -> str:
    if visit.filming is None:
        manager = visit.world.record()
        visit.filming = manager, await manager.__aenter__()
    return "You are being filmed. Walk, then end the film."


async def _end_film(visit: Visit) -> str:
    if visit.filming is None:
        raise ToolError("Nobody films you.")
    (manager, film), visit.filming = visit.filming, None
    await manager.__aexit__(None, None, None)
    return f"{film.name or 'Nothing was filmed'}, {film.duration_s:.1f} s"


@contextmanager
def _told() -> Generator[None]:
    """What the server refuses becomes the answer of the tool, in its own words."""
    try:
        yield
    except TerrariumError as error:
        raise ToolError(str(error)) from error


def _image(picture: Picture) -> Image:
    return Image(data=simplejpeg.encode_jpeg(picture.copy(), quality=_QUALITY, colorspace="RGB"), format="jpeg")


async def serve_stdio(url: str, token: str | None) -> None:
    """Speak the protocol over this process's standard input and output until its input ends."""
    desk = WorldDesk(RemoteWorlds(url, token))
    try:
        await build_server(desk).run_stdio_async()
    finally:
        await desk.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Worlds of a Terrarium server as tools for agents, over stdio.")
    parser.add_argument("url", help="of the server, such as http://127.0.0.1:7987")
    parser.add_argument("--token", default=os.environ.get("TERRARIUM_TOKEN"), help="also the variable TERRARIUM_TOKEN")
    asked = parser.parse_args()
    asyncio.run(serve_stdio(asked.url, asked.token))


if __name__ == "__main__":
    main()
