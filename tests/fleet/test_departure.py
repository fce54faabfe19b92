"""A server of a fleet that is to go, without Ray: when it notices, and whom it waits for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from fastapi import FastAPI
from websockets.sync.client import connect

from fleet.departure import Departure, Going
from runtime_config.fleet_config import FleetConfig
from services.peer_store.peer_store import PeerRow, PlaceAsked
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_peer_store import FakePeerStore
from tests.play.harness import PlayClient, fake_services, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import ASGIApp

    from tests.play.harness import PlayServer

DRAIN_S: Final = 600.0
PLACES: Final = 2


class Rig:
    """A server whose clock moves when the test says so, and Ray: `said` is its answer, None: it does not answer."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakePeerStore()
        self.said: Going | None = Going.NONE
        self.asks = 0
        self._departures: list[Departure] = []

    def going(self) -> Going:
        self.asks += 1
        if self.said is None:
            raise KeyError("terrarium")
        return self.said

    def seen_to(self, app: ASGIApp) -> ASGIApp:
        assert isinstance(app, FastAPI)
        self._departures.append(Departure(app.state.handler, self.going, DRAIN_S, look_every_s=0.01))
        self._departures[-1].see_to(app)
        return app

    def ask_for_load(self) -> None:
        self._departures[-1].asked()

    def fall_silent(self, said: Going | None) -> None:
        """Ray asks for the load for the last time, and some seconds pass."""
        self.said = said
        self.ask_for_load()
        self.clock.advance(5.0)

    def looked(self) -> bool:
        """Whether Ray was asked since, from beginning to end."""
        before = self.asks
        wait_until(lambda: self.asks > before + 1, "Ray is asked")
        return True

    @property
    def places(self) -> list[int]:
        """That the others believe there are to be given."""
        return [row.max_sessions for row in self.store.rows() if row.name == "north"]

    @contextmanager
    def server(self) -> Generator[PlayServer]:
        services = fake_services(peer_stores=self.store, clock=self.clock)
        with play_server(services, behind=self.seen_to, max_sessions=PLACES, fleet=FleetConfig(name="north")) as server:
            wait_until(lambda: self.places == [PLACES], "the others know of it")
            yield server


@contextmanager
def playing(server: PlayServer) -> Generator[PlayClient]:
    url = f"ws://127.0.0.1:{server.server.port}/ws?protocol_version=5&client=terrarium"
    with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        client = PlayClient(socket, extended=True)
        client.stage("session.waiting_for_seed")
        yield client


def test_a_server_that_is_to_go_gives_no_places_until_it_is_asked_for_its_load_again() -> None:
    rig = Rig()
    with rig.server():
        rig.fall_silent(Going.SOME)
        wait_until(lambda: rig.places == [0], "it has no places to give")
        rig.ask_for_load()
        wait_until(lambda: rig.places == [PLACES], "it was not meant")


@pytest.mark.parametrize("said", [Going.NONE, None])
def test_silence_alone_says_nothing(said: Going | None) -> None:
    rig = Rig()
    with rig.server() as server:
        rig.clock.advance(DRAIN_S)  # it has just started, and was never asked
        rig.fall_silent(said)
        assert rig.looked()
        rig.clock.advance(2 * DRAIN_S)
        assert rig.looked()
        assert rig.places == [PLACES]
        with playing(server):
            pass


def test_who_plays_may_go_on_for_a_time_and_is_told_when_it_is_over() -> None:
    rig = Rig()
    with rig.server() as server, playing(server) as client:
        rig.fall_silent(Going.SOME)
        wait_until(lambda: rig.places == [0], "it has no places to give")
        rig.clock.advance(DRAIN_S - 1.0)
        assert rig.looked()
        assert len(server.sessions()) == 1
        rig.clock.advance(2.0)
        assert client.of_type("error")["code"] == "shuttingDown"


def test_open_pages_do_not_keep_a_server_that_nobody_plays_on() -> None:
    rig = Rig()
    with (
        rig.server() as server,
        httpx.stream("GET", f"http://127.0.0.1:{server.server.port}/api/events", timeout=deadline_s()) as page,
    ):
        rig.fall_silent(Going.SOME)
        wait_until(lambda: rig.places == [0], "it has no places to give")
        rig.clock.advance(60.0)  # no answer of the server's can have been lost that long
        for _ in page.iter_raw():
            pass


def test_all_are_told_at_once_when_the_whole_fleet_ends() -> None:
    rig = Rig()
    with rig.server() as server, playing(server) as client:
        rig.fall_silent(Going.ALL)
        assert client.of_type("error")["code"] == "shuttingDown"


def test_a_server_waits_for_whoever_was_sent_there() -> None:
    rig = Rig()
    may_end = threading.Event()

    def serve() -> None:
        with rig.server():
            may_end.wait(deadline_s())

    serving = threading.Thread(target=serve)
    serving.start()
    wait_until(lambda: rig.places == [PLACES], "it is there")
    (run,) = (row.run for row in rig.store.rows())
    rig.store.keep(PeerRow("d" * 16, "door", 1, 0, line=(PlaceAsked("01020304", 1, None, run),)))
    rig.said = Going.SOME
    may_end.set()
    wait_until(lambda: rig.places == [0], "it has no places to give")
    assert serving.is_alive()
    rig.store.keep(PeerRow("d" * 16, "door", 2, 0))
    serving.join(deadline_s())
    assert not serving.is_alive()
