"""A server that is killed in play: clients that do not come back get a typed end, whatever they wait for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from terrarium_client import ConnectionLostError, connect

from tests.play.harness import picture
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from terrarium_client.world import World

    from tests.browser.server_process import ServerProcess

pytestmark = pytest.mark.trial


def test_whoever_does_not_come_back_is_told_that_the_connection_is_lost(server: ServerProcess) -> None:
    asyncio.run(_lose(server))


async def _lose(server: ServerProcess) -> None:
    """`live` waits for frames just then, `once` is asked for a step afterwards, and `again` finds no server."""
    async with (
        asyncio.timeout(deadline_s()),
        connect(server.url, mode="live", tries=1) as live,
        connect(server.url, tries=1) as once,
        connect(server.url, tries=2) as again,
    ):
        for world in (live, once, again):
            await world.init(picture(20), model="terrarium/diorama")
        await once.step("W")
        await again.step("W")
        watching = asyncio.create_task(_watch(live))
        server.kill()
        with pytest.raises(ConnectionLostError, match="has ended"):
            await watching
        for world in (live, once):
            with pytest.raises(ConnectionLostError, match="has ended"):
                await world.step("W")
            with pytest.raises(ConnectionLostError, match="has ended"):
                await world.save()
        with pytest.raises(ConnectionLostError, match="No server answers"):
            await again.step("W")
        assert [world.is_open for world in (live, once, again)] == [False] * 3


async def _watch(world: World) -> None:
    async for _ in world.frames():
        await world.control("W")
