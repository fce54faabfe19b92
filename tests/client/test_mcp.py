"""An agent walks a world through MCP's own client."""

from __future__ import annotations

import asyncio
import base64
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent
from terrarium_client.mcp_desk import WorldDesk
from terrarium_client.mcp_tools import RemoteWorlds, build_server

from tests.client.rig import ClientRig, client_rig
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator


CLIENT = Path(__file__).resolve().parents[2] / "client"


@pytest.fixture(name="rig")
def fixture_rig(tmp_path: Path) -> Generator[ClientRig]:
    with client_rig(tmp_path) as rig:
        yield rig


@asynccontextmanager
async def agent(rig: ClientRig) -> AsyncGenerator[Client]:
    async with WorldDesk(RemoteWorlds(rig.url, None)) as desk, Client(build_server(desk)) as client:
        yield client


def played(rig: ClientRig, scenario: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with agent(rig) as client:
            await scenario(client)

    asyncio.run(main())


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    return result


def words(result: CallToolResult) -> str:
    return " ".join(part.text for part in result.content if isinstance(part, TextContent))


def shape(result: CallToolResult) -> tuple[int, ...]:
    [picture] = [part for part in result.content if isinstance(part, ImageContent)]
    assert picture.mime_type == "image/jpeg"
    return simplejpeg.decode_jpeg(base64.b64decode(picture.data)).shape


async def start(client: Client) -> str:
    begun = await call(client, "start")
    assert shape(begun) == (360, 640, 3), words(begun)
    return words(begun).rstrip(".").rsplit(" ", 1)[-1]


def test_an_agent_looks_walks_and_turns(rig: ClientRig) -> None:
    async def scenario(client: Client) -> None:
        world = await start(client)
        for tool, arguments in (("look", {}), ("walk", {"steps": 5, "run": True}), ("turn", {"right": -150})):
            assert shape(await call(client, tool, world=world, **arguments)) == (360, 640, 3)

    played(rig, scenario)
    controls = rig.model.engines[0].worlds[0].controls
    assert [control.buttons for control in controls[:5]] == [{ord("W"), 0x10}] * 5
    assert sum(control.mouse_dx for control in controls) == -150


def test_an_agent_saves_branches_and_films(rig: ClientRig) -> None:
    async def scenario(client: Client) -> None:
        world = await start(client)
        await call(client, "film", world=world, on=True)
        await call(client, "walk", world=world, steps=20)
        filmed = await call(client, "film", world=world, on=False)
        assert not filmed.is_error, words(filmed)
        saved = words(await call(client, "save", world=world, title="Here"))
        assert not (await call(client, "start", saved=saved)).is_error
        assert "as well" in words(await call(client, "branch", world=world))

    played(rig, scenario)
    assert [saved["title"] for saved in rig.server.http.get("/api/worlds").json()["worlds"]] == ["A branch", "Here"]


def test_what_the_server_refuses_is_told_in_its_words(rig: ClientRig) -> None:
    async def scenario(client: Client) -> None:
        world = await start(client)
        refused = await call(client, "edit", world=world, words="make it snow")
        unknown = await call(client, "look", world="nowhere")
        assert (refused.is_error, unknown.is_error) == (True, True)
        assert "There is none in this test." in words(refused)
        assert "You are in no world" in words(unknown)

    played(rig, scenario)


def test_an_agent_is_in_a_few_worlds_at_most_and_leaves_them(rig: ClientRig) -> None:
    async def scenario(client: Client) -> None:
        worlds = [await start(client) for _ in range(4)]
        assert "Leave one" in words(await call(client, "start"))
        assert not (await call(client, "leave", world=worlds[0])).is_error
        assert not (await call(client, "start")).is_error

    played(rig, scenario)


@pytest.mark.trial
def test_the_tools_are_there_over_stdio(rig: ClientRig) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "terrarium_client.mcp_tools", rig.url],
        cwd=CLIENT,
    )

    async def main() -> None:
        async with Client(parameters) as client:
            await call(client, "walk", world=await start(client))

    asyncio.run(main())
    assert rig.model.engines[0].worlds[0].controls


def test_a_world_that_nobody_uses_ends_by_itself(rig: ClientRig) -> None:
    async def main() -> None:
        async with (
            WorldDesk(RemoteWorlds(rig.url, None), idle_s=0.05) as desk,
            Client(build_server(desk)) as client,
        ):
            world = await start(client)
            await asyncio.to_thread(wait_until, lambda: rig.server.sessions() == [], "it ends")
            assert "You are in no world" in words(await call(client, "look", world=world))

    asyncio.run(main())


def test_an_agent_goes_back_in_time(rig: ClientRig) -> None:
    async def scenario(client: Client) -> None:
        world = await start(client)
        await call(client, "walk", world=world, steps=70)
        assert shape(await call(client, "rewind", world=world, seconds=1)) == (360, 640, 3)
        assert "nothing to rewind" in words(await call(client, "rewind", world=await start(client)))

    played(rig, scenario)
