"""A fleet of servers in one process: players are admitted at the address of any, and sent to a port of one."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from terrarium_client import sync
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fleet.direct import free_port, listen_directly
from runtime_config.fleet_config import FleetConfig
from services.peer_store.peer_store import PeerRow, PeerStoreError, PlaceAsked
from services.world_copies.directory_world_copies import DirectoryWorldCopies
from tests.fakes.fake_peer_store import FakePeerStore
from tests.fakes.fake_world_copies import FakeWorldCopies
from tests.play.harness import PlayClient, fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from services.peer_store.peer_store import PeerStore, RunId
    from services.world_copies.world_copies import WorldCopies
    from tests.play.harness import PlayServer

Json = dict[str, Any]
THROUGH_THE_PROXY: Final = "protocol_version=5&client=terrarium"
FOLLOWS: Final = f"{THROUGH_THE_PROXY}&follows=ws"


@contextmanager
def fleet(
    *names: str, places: int = 1, store: FakePeerStore | None = None, copies: WorldCopies | None = None
) -> Generator[list[PlayServer]]:
    store = store or FakePeerStore()
    with ExitStack() as stack:
        servers = [stack.enter_context(member(store, name, places, copies)) for name in names]
        for server in servers:
            wait_until(lambda server=server: len(reached(server)) == len(names), "it knows of all")
        yield servers


@contextmanager
def member(store: FakePeerStore, name: str, places: int, copies: WorldCopies | None) -> Generator[PlayServer]:
    with free_port("127.0.0.1", 0) as listener:
        address = f"ws://127.0.0.1:{listener.getsockname()[1]}"

        def with_a_port_of_its_own(app: ASGIApp) -> ASGIApp:
            assert isinstance(app, FastAPI)
            listen_directly(app, app.state.handler, listener, address)
            return app

        with play_server(
            fake_services(peer_stores=store, world_copies=copies),
            behind=with_a_port_of_its_own,
            max_sessions=places,
            fleet=FleetConfig(name=name),
        ) as server:
            yield server


def reached(server: PlayServer) -> list[str]:
    return [row.address for row in server.handler.peers.servers() if row.address is not None]


@contextmanager
def at(address: str, query: str = FOLLOWS, path: str = "/ws", **more: str) -> Generator[PlayClient]:
    url = f"{address}{path}?{query}{'&' if more else ''}{urlencode(more)}"
    with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        yield PlayClient(socket, extended=True)


def door(server: PlayServer) -> str:
    return f"ws://127.0.0.1:{server.server.port}"


def sent_on(client: PlayClient, **init: Any) -> Json:
    """What the first message is answered with."""
    client.init(picture(20), **init)
    return client.of_type("moved")


@contextmanager
def playing(server: PlayServer) -> Generator[tuple[PlayClient, Json]]:
    """A client that was received by `server`, and plays wherever it was sent; with the answer to its `init`."""
    with at(door(server)) as first:
        moved = sent_on(first)
        assert first.closed() == (1000, "moved")
    with at(moved["address"], ticket=moved["ticket"]) as client:
        yield client, client.start()


def sessions(servers: list[PlayServer]) -> list[list[str]]:
    return [[each.summary.id for each in server.handler.sessions.own_play().sessions] for server in servers]


# ------------------------------------------------------------------------------------------------------- the way there


def test_whoever_follows_is_sent_to_where_there_is_room_and_plays_there() -> None:
    with fleet("north", "east") as servers:
        north, _ = servers
        with playing(north) as (one, _), playing(north) as (other, _):
            one.hold("W")
            other.hold("W")
            assert [len(each) for each in sessions(servers)] == [1, 1]


def test_whoever_does_not_follow_plays_where_they_have_connected() -> None:
    with fleet("north") as (north,):
        for query in ("protocol_version=5", THROUGH_THE_PROXY, FOLLOWS.replace("=ws", "=wss")):
            with at(door(north), query) as client:
                client.start()
                client.hold("W")
            wait_until(lambda: sessions([north]) == [[]], "it has left")


def test_a_server_without_a_port_of_its_own_serves_everybody_itself() -> None:
    services = fake_services(peer_stores=FakePeerStore())
    with play_server(services, fleet=FleetConfig(name="north")) as north, at(door(north)) as client:
        client.start()
        client.hold("W")


@pytest.mark.trial  # servers hear of each other every 2 s
def test_a_model_in_memory_draws_those_who_ask_for_it() -> None:
    with fleet("north", "east", places=4) as servers:
        north, east = servers
        with at(door(east), "protocol_version=5") as stock:
            stock.start()
            wait_until(lambda: any(row.models for row in north.handler.peers.others()), "north knows of the model")
            with at(door(north)) as client:
                assert sent_on(client)["address"] == east.handler.peers.address


@pytest.mark.parametrize("direct", ["answers", "refuses", pytest.param("is silent", marks=pytest.mark.trial)])
def test_the_client_plays_wherever_the_fleet_sends_it(direct: str) -> None:
    """Past a firewall, too, that lets nobody through and says nothing."""
    with fleet("north") as (north,), free_port("127.0.0.1", 0) as silent:
        if direct != "answers":
            north.handler.peers.receive_at(f"ws://127.0.0.1:{silent.getsockname()[1]}")
        if direct == "refuses":
            silent.close()
        with sync.connect(f"http://127.0.0.1:{north.server.port}") as world:
            world.init(picture(20), model="fake/world", rng_seed=1)
            world.step("W")
            world.step("W")
            assert [len(each) for each in sessions([north])] == [1]


# ------------------------------------------------------------------------------------------------------------- tickets


def refused(address: str, query: str = FOLLOWS, **more: str) -> str:
    with at(address, query, **more) as client:
        return client.of_type("error")["code"]


def test_a_ticket_is_good_once_and_at_one_server() -> None:
    with fleet("north", "east") as servers:
        north, east = servers
        with at(door(north)) as client:
            moved = sent_on(client)
        (other,) = {each.handler.peers.address for each in servers} - {moved["address"]}
        assert other is not None
        assert refused(other, ticket=moved["ticket"]) == "ticketInvalid"
        assert refused(moved["address"], ticket="made-up") == refused(moved["address"], ticket="") == "ticketInvalid"
        with at(moved["address"], ticket=moved["ticket"]) as player:
            player.start()
            assert refused(moved["address"], ticket=moved["ticket"]) == "ticketUsed"
            player.hold("W")
        assert sum(len(each) for each in sessions([north, east])) <= 1


def test_nothing_but_players_and_watchers_is_served_at_a_port_of_a_server() -> None:
    with fleet("north") as (north,):
        address = reached(north)[0]
        for path in ("/health", "/api/sessions", "/", "/ws"):
            assert north.http.get(address.replace("ws://", "http://") + path).status_code == 404
        with pytest.raises(InvalidStatus) as made_up, at(address, "link=made-up", "/watch"):
            pass
        assert made_up.value.response.status_code == 404


# ---------------------------------------------------------------------------------------------------------------- line


@pytest.mark.trial  # servers hear of each other every 2 s
def test_whoever_finds_no_place_waits_in_one_line_and_is_served_in_order() -> None:
    with fleet("north", "east") as servers, ExitStack() as stack:
        north, east = servers
        players = [ExitStack(), ExitStack()]
        for player in players:
            stack.push(player)
            player.enter_context(playing(north))
        first, second, third = (stack.enter_context(at(door(server))) for server in (north, east, north))
        for number, client in enumerate((first, second, third), 1):
            client.init(picture(20))
            assert client.of_type("progress", step="waiting_for_place")["in_line"] == number
        second.socket.close()
        assert third.of_type("progress", step="waiting_for_place")["in_line"] == 2
        players[1].close()
        address = first.of_type("moved")["address"]
        assert third.of_type("progress", step="waiting_for_place")["in_line"] == 1
        players[0].close()
        moved = third.of_type("moved")
        assert moved["address"] != address
        with at(moved["address"], ticket=moved["ticket"]) as client:
            client.start()


class UnseeingStores(FakePeerStore):
    """Once `is_unseeing`, neither of two servers sees the other's line, until both have decided to give a place."""

    def __init__(self) -> None:
        super().__init__()
        self.is_unseeing = False
        self._both_decided = threading.Barrier(2)

    def open(self) -> PeerStore:
        return UnseeingStore(self)

    def give_place(self, server: RunId, given: int, by: PeerRow) -> bool:
        if self.is_unseeing:
            self._both_decided.wait(deadline_s())
            self.is_unseeing = False
        return super().give_place(server, given, by)


class UnseeingStore:
    """A `PeerStore` of one server."""

    def __init__(self, stores: UnseeingStores) -> None:
        self._stores = stores
        self._own: RunId | None = None

    def keep(self, row: PeerRow) -> None:
        self._own = row.run
        self._stores.keep(row)

    def give_place(self, server: RunId, given: int, by: PeerRow) -> bool:
        return self._stores.give_place(server, given, by)

    def rows(self) -> Sequence[PeerRow]:
        rows = self._stores.rows()
        return [replace(row, line=()) if row.run != self._own and self._stores.is_unseeing else row for row in rows]

    def remove(self, runs: Collection[RunId]) -> None:
        self._stores.remove(runs)


def test_two_doors_do_not_both_give_away_the_last_place() -> None:
    stores = UnseeingStores()
    with fleet("north", "east", store=stores) as servers, playing(servers[0]), ExitStack() as stack:
        stores.is_unseeing = True
        both = [stack.enter_context(at(door(server))) for server in servers]
        for client in both:
            client.init(picture(20))
        told = sorted(client.until(lambda message: message["type"] in ("moved", "progress"))["type"] for client in both)
        assert told == ["moved", "progress"]


def test_a_place_of_somebody_on_their_way_is_not_taken_by_who_does_not_follow() -> None:
    with fleet("north") as (north,):
        with at(door(north)) as client:
            moved = sent_on(client)
        assert refused(door(north), query=THROUGH_THE_PROXY) == "serverBusy"
        with at(moved["address"], ticket=moved["ticket"]) as player:
            player.start()
            player.hold("W")
            assert refused(door(north), query=THROUGH_THE_PROXY) == "serverBusy"


def test_a_door_and_who_does_not_follow_do_not_both_take_the_last_place() -> None:
    stores = UnseeingStores()
    with fleet("north", "east", store=stores) as servers, playing(servers[0]), ExitStack() as stack:
        (full,) = (server for server in servers if sessions([server])[0])
        (free,) = (server for server in servers if server is not full)
        stores.is_unseeing = True
        follower = stack.enter_context(at(door(full)))
        follower.init(picture(20))
        other = stack.enter_context(at(door(free), THROUGH_THE_PROXY))
        other.init(picture(20))
        one = follower.until(lambda message: message["type"] in ("moved", "progress"))["type"]
        two = other.until(lambda message: message["type"] in ("response", "error"))["type"]
        assert (one, two) in {("moved", "error"), ("progress", "response")}


def test_who_does_not_follow_comes_after_those_in_line() -> None:
    """Somebody waits at another server, which has not seen yet that there is a place here."""
    store = FakePeerStore()
    with fleet("north", store=store) as (north,):
        waiting = PlaceAsked("0123", 1, None, None)
        store.keep(PeerRow("0e" * 8, "west", 1, 1, line=(waiting,)))
        assert refused(door(north), query=THROUGH_THE_PROXY) == "serverBusy"
        store.remove(["0e" * 8])
        with at(door(north), THROUGH_THE_PROXY) as client:
            client.start()


def test_without_the_database_who_does_not_follow_has_the_places_that_are_free() -> None:
    store = FakePeerStore()
    with fleet("north", store=store) as (north,):
        store.fail = PeerStoreError("The database does not answer.")
        with at(door(north), THROUGH_THE_PROXY) as client:
            client.start()
            assert refused(door(north), query=THROUGH_THE_PROXY) == "serverBusy"
        store.fail = None


def test_whoever_waits_is_told_when_the_server_stops() -> None:
    with fleet("north") as (north,), playing(north), at(door(north)) as waiting:
        waiting.init(picture(20))
        waiting.of_type("progress", step="waiting_for_place")
        north.drain()
        assert waiting.of_type("error")["code"] == "shuttingDown"


# ------------------------------------------------------------------------------------------------ coming back, watching


@pytest.mark.trial  # servers hear of each other every 2 s
def test_whoever_comes_back_is_sent_to_the_server_that_keeps_their_world() -> None:
    with fleet("north", "east") as servers:
        north, east = servers
        with playing(north) as (client, begun):
            client.hold("W")
            home = next(server for server in servers if sessions([server])[0])
            client.socket.close(4000)
        wait_until(lambda: home.handler.left_worlds.count == 1, "the world waits")
        other = east if home is north else north
        with at(door(other)) as back:
            back.request("init", config=init_config(), resume_token=begun["resume_token"])
            moved = back.of_type("moved")
            assert moved["address"] == home.handler.peers.address
        with at(moved["address"], ticket=moved["ticket"]) as back:
            answer = back.reply(back.request("init", config=init_config(), resume_token=begun["resume_token"]))
            assert answer["data"]["resumed"]["lost_s"] == 0


@pytest.mark.trial  # a world is copied every second
def test_a_world_whose_server_is_gone_goes_on_at_another_where_it_was_copied_last() -> None:
    copies = FakeWorldCopies()
    with fleet("north", "east", copies=copies) as servers:
        with playing(servers[0]) as (client, begun):
            home = next(server for server in servers if sessions([server])[0])
            other = next(server for server in servers if server is not home)
            client.hold("W", until=lambda frame: frame.content.pass_number >= 130)  # a checkpoint comes each second
            wait_until(lambda: any(copy.passes for copy in copies.copies.values()), "it is copied")
            (copied,) = copies.copies.values()
            # Nothing answers at its own server's port, as after a kill, so the client comes through the proxy.
            with at(door(other), THROUGH_THE_PROXY) as back:
                answer = back.reply(back.request("init", config=init_config(), resume_token=begun["resume_token"]))
                resumed = answer["data"]["resumed"]
                assert (resumed["is_copy"], resumed["kept"], resumed["lost_s"]) == (True, [], copied.every_s)
                assert resumed["passes"] >= copied.passes_made > 0
                on = back.hold("W", until=lambda frame: frame.content.pass_number > resumed["passes"]).content
                assert on.rng_seed == copied.rng_seed
                back.socket.close(1000)
            client.socket.close(1000)
        wait_until(lambda: not copies.copies, "who leaves on purpose leaves no copy")


@pytest.mark.trial  # a world is copied every second
def test_a_server_that_stops_leaves_copies_and_a_stranger_finds_none() -> None:
    copies = FakeWorldCopies()
    with fleet("north", places=2, copies=copies) as (north,), playing(north) as (client, _):
        client.hold("W", until=lambda frame: frame.content.pass_number >= 20)
        wait_until(lambda: bool(copies.copies), "it is copied")
        with at(door(north), THROUGH_THE_PROXY) as stranger:
            answer = stranger.reply(stranger.request("init", config=init_config(), resume_token=f"{'0' * 16}.made-up"))
            assert answer["code"] == "resumeTooLate"
        north.drain()
    assert len(copies.copies) == 1


def test_a_server_sweeps_away_copies_that_nobody_renews(tmp_path: Path) -> None:
    left, renewed = tmp_path / ("0f" * 32), tmp_path / ("1e" * 32)
    for copy in (left, renewed):
        copy.mkdir()
    os.utime(left, (0, 0))
    with fleet("north", copies=DirectoryWorldCopies(tmp_path)):
        wait_until(lambda: not left.exists(), "it is swept")
        assert renewed.exists()


def init_config() -> Mapping[str, Any]:
    return {
        "engine_backend": "world_engine",
        "scene_authoring": False,
        "action_logging": False,
        "video_recording": False,
        "video_output_dir": None,
        "cap_inference_fps": True,
    }


@pytest.mark.trial  # servers hear of each other every 2 s
def test_a_link_is_known_at_every_server_and_leads_to_its_own() -> None:
    with fleet("north", "east") as servers, playing(servers[0]) as (client, _):
        link = client.reply(client.request("share"))["data"]["link"]
        home = next(server for server in servers if sessions([server])[0])
        for server in servers:

            def state(server: PlayServer = server) -> str | None:
                return server.http.get("/api/watch", params={"link": link}).json().get("state")

            wait_until(lambda state=state: state() == "playing", "it knows what the link opens")
            with at(door(server), "follows=ws", "/watch", link=link) as watcher:
                moved = watcher.of_type("moved")
            assert (moved["address"], "ticket" in moved) == (home.handler.peers.address, False)
            with at(moved["address"], "follows=ws", "/watch", link=link) as watcher:
                assert watcher.of_type("watching")["state"] == "playing"
