"""A fleet by real Ray on real PostgreSQL: one address, two servers; one is killed in play, and the other goes on."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest
from terrarium_client import ConnectionLostError, sync
from websockets.exceptions import ConnectionClosed

from tests.play.harness import PlayClient, picture
from tests.postgres import emptied_postgres_url
from tests.trials.fleet_harness import START_S, fleet, passes_copied
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.trials.fleet_harness import Fleet

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("fleet"),
    pytest.mark.skipif(sys.platform == "win32", reason="servers share a folder by POSIX locks"),
]


def test_players_are_sent_to_their_servers_and_wait_in_line(tmp_path: Path) -> None:
    with fleet(tmp_path, emptied_postgres_url(), "--max-sessions", "1") as servers, ExitStack() as stack:
        players = list[ExitStack]()
        for _ in range(2):
            players.append(stack.enter_context(ExitStack()))
            players[-1].enter_context(servers.direct_client()).hold("W")
        with servers.socket("&follows=ws") as waiting:
            waiting.init(picture(20, width=320, height=180), model="terrarium/diorama")
            assert waiting.of_type("progress", step="waiting_for_place")["in_line"] == 1
            players[0].close()
            address = waiting.of_type("moved")["address"]
        assert address.startswith("ws://127.0.0.1:")
        assert address != servers.url.replace("http", "ws", 1)


def test_a_server_comes_for_those_who_wait_in_line(tmp_path: Path) -> None:
    flags = ("--max-sessions", "1", "--replicas", "1", "--max-replicas", "2")
    with fleet(tmp_path, emptied_postgres_url(), *flags) as servers, servers.direct_client() as first:
        first.hold("W")
        with servers.socket("&follows=ws") as waiting:
            waiting.init(picture(20), model="terrarium/diorama")
            assert waiting.of_type("progress", step="waiting_for_place")["in_line"] == 1
            wait_until(lambda: len(servers.replicas()) == 2, "another server has come", seconds=START_S)


# The tests from here on share a fleet, which lasts until the end of the module, and so they come last.


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def servers(shared: Path) -> Generator[Fleet]:
    """Two. Whoever kills one waits until another has come."""
    with fleet(shared, emptied_postgres_url()) as running:
        yield running


def test_one_of_two_servers_is_killed_in_play(servers: Fleet) -> None:
    def where() -> set[str]:
        return set(servers.sessions().values())

    with servers.client() as first, servers.client() as second, servers.client() as third:
        clients = [first, second, third]
        for client in clients:
            client.hold("W")
        wait_until(lambda: len(servers.sessions()) == 3 and len(where()) == 2, "both play, and each knows of the other")
        assert {server.nice() for server in servers.replicas()} == {psutil.Process().nice()}
        servers.replicas()[0].kill()

        def left() -> int:
            return sum(_plays(client) for client in clients)

        wait_until(lambda: 0 < left() < 3, "those on the dead server were told, and the others play on")
    wait_until(lambda: len(servers.replicas()) == 2, "another server has come", seconds=START_S)
    wait_until(lambda: not servers.sessions(), "the dead one's sessions are forgotten", seconds=START_S)
    with servers.client() as again:
        again.hold("W")


def test_a_client_goes_on_where_it_was_when_its_server_is_killed(servers: Fleet, shared: Path) -> None:
    def begin(world: sync.World) -> None:
        world.init(picture(20), model="terrarium/diorama", rng_seed=7)

    def walk(world: sync.World, steps: int) -> list[bytes]:
        return [world.step("W", mouse=(3.0, 0.0)).picture.tobytes() for _ in range(steps)]

    wait_until(lambda: servers.sessions() == {}, "nobody plays")
    with sync.connect(servers.url) as world:
        begin(world)
        walk(world, 90)  # a checkpoint is taken each second of the world's own time
        wait_until(lambda: passes_copied(shared / "shared" / "copies") > 0, "the world is copied")
        walk(world, 20)
        servers.played_on().kill()
        after = walk(world, 5)
    with sync.connect(servers.url) as alone:
        begin(alone)
        assert walk(alone, 115)[110:] == after
    # Who is sent to a server that has died is served through the proxy, on a server that nobody can tell.
    wait_until(lambda: servers.sessions() == {}, "the dead server is forgotten", seconds=START_S)
    with sync.connect(servers.url, tries=1) as once:
        begin(once)
        walk(once, 1)
        servers.played_on().kill()
        with pytest.raises(ConnectionLostError, match="has ended"):
            walk(once, 1)


def _plays(client: PlayClient) -> bool:
    try:
        client.hold("W")
    except (ConnectionClosed, StopIteration):
        return False
    return True
