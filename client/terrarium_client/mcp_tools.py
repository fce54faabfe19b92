"""Worlds as tools for agents, by the Model Context Protocol.

`python -m terrarium_client.mcp_tools http://127.0.0.1:7987` speaks it over stdio, for the server at that address.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from terrarium_client.errors import TerrariumError
from terrarium_client.gallery import GallerySeed, gallery
from terrarium_client.mcp_desk import AgentCaller, Visit, WorldDesk
from terrarium_client.world import FrameFormat, World, connect

if TYPE_CHECKING:
    from collections.abc import Generator

    from terrarium_client.passes import Picture

SIZE: Final = (640, 360)  # enough for an agent to see by, and small enough to be read often
FORM: Final = FrameFormat("rgb", SIZE)
_QUALITY: Final = 85
_INSTRUCTIONS: Final = (
    "Walk through worlds that begin in pictures. `pictures` lists what there is, `start` opens a world and gives its "
    "id, which every other tool needs. The world stands still until you `walk` or `turn`. `leave` it when you are done."
)
_WAYS: Final = {"forward": "W", "back": "S", "left": "A", "right": "D"}

WorldId: TypeAlias = Annotated[str, Field(description="the id that `start` or `branch` gave")]


class RemoteWorlds:
    """`Worlds` of the server at `url`, all for the one who has started this process."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token

    def caller(self, context: Context[Any, Any]) -> AgentCaller:
        del context
        return AgentCaller("me", "me")

    def open(self, context: Context[Any, Any]) -> World:
        del context
        return connect(self._url, token=self._token, size=SIZE)

    async def gallery(self, context: Context[Any, Any]) -> tuple[GallerySeed, ...]:
        del context
        return await asyncio.to_thread(gallery, self._url, token=self._token)


def build_server(desk: WorldDesk) -> MCPServer[Any]:
    """The tools, on `desk`. `desk` has been entered."""
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
                seed = next((found.hash for found in await desk.gallery(ctx)), None)
            async with desk.started(ctx, lambda world: world.init(seed=seed, world=saved, model=model)) as visit:
                return [f"You are in the world {visit.name}.", _image(await visit.world.look())]

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
        with _told():
            async with desk.turn(ctx, world) as visit:
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
        keys = (_WAYS[direction], "SHIFT") if run else (_WAYS[direction],)
        with _told():
            async with desk.turn(ctx, world) as visit:
                return _image([await visit.world.step(*keys) for _ in range(steps)][-1].picture)

    @server.tool()
    async def turn(
        ctx: Context[Any, Any],
        world: WorldId,
        right: Annotated[float, Field(ge=-2000, le=2000, description="pixels of a mouse; negative is left")] = 0.0,
        down: Annotated[float, Field(ge=-1000, le=1000, description="pixels of a mouse; negative is up")] = 0.0,
    ) -> Image:
        """Turn your head, and see what is there. 300 pixels are a good look aside."""
        parts = max(1, int(max(abs(right), abs(down)) // 60))  # as fast as a hand
        with _told():
            async with desk.turn(ctx, world) as visit:
                for _ in range(parts):
                    await visit.world.step(mouse=(right / parts, down / parts))
                return _image((await visit.world.step()).picture)


def _add_keeping(server: MCPServer[Any], desk: WorldDesk) -> None:
    @server.tool()
    async def save(ctx: Context[Any, Any], world: WorldId, title: Annotated[str, Field(max_length=200)] = "") -> str:
        """Keep this moment on the server. Gives the id by which `start` opens it as `saved`."""
        with _told():
            async with desk.turn(ctx, world) as visit:
                return (await visit.world.save(title)).world_id

    @server.tool()
    async def rewind(
        ctx: Context[Any, Any],
        world: WorldId,
        seconds: Annotated[float, Field(gt=0, le=30, description="of the world's own time")] = 2.0,
    ) -> Image:
        """Go back in time, and see what was there."""
        with _told():
            async with desk.turn(ctx, world) as visit:
                await visit.world.rewind(seconds)
                return _image(await visit.world.look())

    @server.tool()
    async def branch(ctx: Context[Any, Any], world: WorldId) -> list[str | Image]:
        """Begin another world at this very moment; both go on apart. Gives the id of the new one."""
        with _told():
            async with desk.turn(ctx, world) as visit:
                saved = await visit.world.save("A branch")
            async with desk.started(ctx, lambda other: other.init(world=saved.world_id)) as other:
                return [f"You are in the world {other.name} as well.", _image(await other.world.look())]

    @server.tool()
    async def edit(ctx: Context[Any, Any], world: WorldId, words: Annotated[str, Field(min_length=1)]) -> Image:
        """Change the scene by words, such as “make it snow”, where the server has models for that."""
        with _told():
            async with desk.turn(ctx, world) as visit:
                await visit.world.edit(words)
                return _image(await visit.world.look())

    @server.tool()
    async def film(ctx: Context[Any, Any], world: WorldId, *, on: bool) -> str:
        """Begin to film what you do, or end it. Ended, it gives the name of the recording on the server."""
        with _told():
            async with desk.turn(ctx, world) as visit:
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
    async with WorldDesk(RemoteWorlds(url, token)) as desk:
        await build_server(desk).run_stdio_async()


def main() -> None:
    parser = argparse.ArgumentParser(description="Worlds of a Terrarium server as tools for agents, over stdio.")
    parser.add_argument("url", help="of the server, such as http://127.0.0.1:7987")
    parser.add_argument("--token", default=os.environ.get("TERRARIUM_TOKEN"), help="also the variable TERRARIUM_TOKEN")
    asked = parser.parse_args()
    asyncio.run(serve_stdio(asked.url, asked.token))


if __name__ == "__main__":
    main()
