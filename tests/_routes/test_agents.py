"""Tools for agents at /mcp, through the protocol's own client, with the rights of whoever calls."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from error_types import DomainError, ErrorCode
from handlers.agents.agent_worlds import AgentWorlds
from handlers.agents.agents_handler import AgentsHandler
from runtime_config.runtime_config import AccessConfig
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from tests.client.rig import ClientRig, client_rig
from tests.client.test_mcp import call, shape, words
from tests.fakes.fake_world_store import FakeWorldStore
from tests.people import people_server
from tests.play.harness import picture
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from tests.play.harness import PlayServer

TOKEN = "correct-horse-battery-staple"
TOOLS = {"pictures", "start", "leave", "look", "walk", "turn", "save", "rewind", "branch", "edit", "film"}


@asynccontextmanager
async def agent(server: PlayServer, token: str | None = None, mode: Any = "auto") -> AsyncGenerator[Client]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=deadline_s()) as http:
        url = f"http://127.0.0.1:{server.server.port}/mcp"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            yield client


async def started(client: Client, **arguments: Any) -> str:
    begun = await call(client, "start", **arguments)
    assert not begun.is_error, words(begun)
    return words(begun).removesuffix(".").rsplit(" ", 1)[-1]


@pytest.fixture(name="rig")
def fixture_rig(tmp_path: Path) -> Generator[ClientRig]:
    with client_rig(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agent_walks_a_world_of_the_server(rig: ClientRig, mode: str) -> None:
    async def main() -> None:
        async with agent(rig.server, mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            assert "seed" in words(await call(client, "pictures"))
            world = await started(client)
            for tool, arguments in (
                ("walk", {"steps": 70}),
                ("turn", {"right": 90}),
                ("look", {}),
                ("rewind", {"seconds": 1}),
            ):
                result = await call(client, tool, world=world, **arguments)
                assert shape(result) == (360, 640, 3), (tool, words(result))
            saved = words(await call(client, "save", world=world, title="Here"))
            assert re.fullmatch(r"[0-9a-f]+", saved)
            assert not (await call(client, "leave", world=world)).is_error
            assert "in no world" in words(await call(client, "look", world=world))

    asyncio.run(main())
    assert [world["title"] for world in rig.server.http.get("/api/worlds").json()["worlds"]] == ["Here"]
    wait_until(lambda: rig.server.sessions() == [], "its session has ended")
    assert rig.model.engines[0].open_worlds == 0


def test_an_agent_that_hangs_up_leaves_its_worlds(rig: ClientRig) -> None:
    async def main() -> None:
        async with agent(rig.server, mode="legacy") as client:
            await started(client)
            await started(client)
            assert len(rig.server.sessions()) == 2

    asyncio.run(main())
    wait_until(lambda: rig.server.sessions() == [], "both sessions have ended")


def test_one_person_is_in_four_worlds_at_most_by_however_many_clients(rig: ClientRig) -> None:
    async def main() -> None:
        async with agent(rig.server, mode="legacy") as one, agent(rig.server, mode="legacy") as other:
            world = await started(one)
            assert "in no world" in words(await call(other, "look", world=world)), "another session of the protocol"
            for client in (one, other, other):
                await started(client)
            assert "Leave one" in words(await call(one, "start"))

    asyncio.run(main())


def test_many_who_begin_at_once_are_not_let_in_beyond_the_bound(rig: ClientRig) -> None:
    async def main() -> None:
        async with agent(rig.server) as client:
            begun = await asyncio.gather(*(call(client, "start") for _ in range(7)))
            assert sum(not result.is_error for result in begun) == 4

    asyncio.run(main())


def test_the_end_of_the_server_is_told_and_waits_for_nobody(rig: ClientRig) -> None:
    async def main() -> None:
        async with agent(rig.server) as client:
            await started(client)
            await asyncio.to_thread(rig.server.drain)
            with pytest.raises(Exception, match=r"."):
                await client.list_tools()

    asyncio.run(main())
    answer = rig.server.http.post("/mcp", json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "shuttingDown")


def test_without_the_token_there_are_no_tools(tmp_path: Path) -> None:
    with client_rig(tmp_path, access=AccessConfig(token=TOKEN)) as rig:
        for method, token in (("POST", None), ("DELETE", None), ("POST", "wrong")):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            assert rig.server.http.request(method, "/mcp", headers=headers).status_code == 401

        async def main() -> None:
            async with agent(rig.server, TOKEN) as client:
                await started(client)

        asyncio.run(main())


def test_people_have_their_own_worlds_and_no_more_rights_than_their_token(tmp_path: Path) -> None:
    services = {"world_store": FakeWorldStore(folder=tmp_path), "encoder": SimpleJpegEncoder(1)}
    with people_server(services=services, config={"data_dir": tmp_path}) as people:
        ann = people.owner()
        bob, cleo, viewer = (
            people.invited(ann, "Bob"),
            people.invited(ann, "Cleo"),
            people.invited(ann, "Vi", "viewer"),
        )
        assert ann.http.post("/api/seeds", content=picture(90)).status_code == 201
        seed = bob.http.post("/api/seeds", content=picture(50)).json()["hash"]
        of_bob, of_cleo = bob.token("read", "play"), cleo.token("read", "play")
        blind = bob.token("play")
        refused = people.bearer(viewer.token("read")).http.post("/mcp", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "roleNotAllowed")
        assert people.bearer(bob.token("read")).http.post("/mcp", json={}).json()["code"] == "scopeMissing"

        def is_over() -> bool:
            return ann.http.get("/api/sessions").json()["sessions"] == []

        async def main() -> None:
            async with agent(people.server, of_bob) as hers, agent(people.server, of_cleo) as theirs:
                world = await started(hers, seed=seed)
                assert "in no world" in words(await call(theirs, "look", world=world))
                assert "in no world" in words(await call(theirs, "leave", world=world))
                saved = words(await call(hers, "save", world=world))
                assert (await call(theirs, "start", saved=saved)).is_error
                assert (await call(theirs, "start", seed=seed)).is_error
                async with agent(people.server, blind) as other:
                    assert "scope" in words(await call(other, "pictures"))
                    assert "in no world" in words(await call(other, "look", world=world)), "another token of Bob's"
                [session] = bob.http.get("/api/sessions").json()["sessions"]
                assert cleo.http.get("/api/sessions").json()["sessions"] == []
                tokens = bob.http.get("/api/account/tokens").json()["tokens"]
                for token in tokens:
                    bob.http.delete(f"/api/account/tokens/{token['id']}")
                await asyncio.to_thread(wait_until, is_over, f"{session['id']} ends with its token")

        asyncio.run(main())


def test_a_server_without_the_packages_says_how_to_get_them(rig: ClientRig) -> None:
    async def main() -> None:
        with ThreadPoolExecutor(1) as threads:
            here = rig.server.handler
            worlds = AgentWorlds(here.play, here.seeds, here.visitors, here.identity, threads)
            await AgentsHandler(worlds, threads, needed=("no_such_package",)).require()

    with pytest.raises(DomainError, match="pip install") as refused:
        asyncio.run(main())
    assert (refused.value.code, refused.value.http_status) == (ErrorCode.AGENTS_MISSING, 404)
