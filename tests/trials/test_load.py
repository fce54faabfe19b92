"""More requests, players and slowness than a server should have to bear."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from tests.play.harness import Frame, PlayClient, picture
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.trial, pytest.mark.timeout(300)]

_PLACES: Final = 8
_REQUESTS: Final = 200
_SEED: Final = picture(90, 120, 60, width=320, height=180)
_DIORAMA: Final = "terrarium/diorama"
_READ_EVERY_S: Final = 0.4
_READ_FOR_S: Final = 40.0
_FLAT_MB: Final = 30.0


@contextmanager
def client_of(server: ServerProcess, *, max_queue: int | None = 16) -> Generator[PlayClient]:
    url = server.url.replace("http", "ws", 1) + "/ws?protocol_version=5"
    with connect(url, compression=None, max_size=None, open_timeout=deadline_s(), max_queue=max_queue) as socket:
        yield PlayClient(socket, extended=False)


def rss_mb(server: ServerProcess) -> float:
    return psutil.Process(server.pid).memory_info().rss / 1e6


def test_a_storm_of_requests_is_answered_while_a_world_is_played(server: ServerProcess) -> None:
    paths = ("/health", "/api/seeds", "/api/models", "/api/worlds", "/api/recordings", "/api/sessions", "/metrics", "/")

    def fetch(number: int) -> int:
        return httpx.get(server.url + paths[number % len(paths)], timeout=deadline_s()).status_code

    with client_of(server) as client, ThreadPoolExecutor(_REQUESTS) as pool:
        client.start(_SEED, model=_DIORAMA)
        storm = [pool.submit(fetch, number) for number in range(_REQUESTS)]
        client.hold("W", until=lambda _: all(answer.done() for answer in storm))
        assert [answer.result() for answer in storm] == [200] * _REQUESTS
        client.hold("W")


def test_eight_play_a_ninth_is_told_why_not_and_all_are_told_of_the_stop(server: ServerProcess) -> None:
    with ExitStack() as stack:
        players = [stack.enter_context(client_of(server)) for _ in range(_PLACES)]
        for player in players:
            player.start(_SEED, model=_DIORAMA)
        for player in players:
            player.hold("W")
        with client_of(server) as ninth:
            assert ninth.of_type("error")["message_id"] == "app.server.error.serverBusy"
        for player in players:
            player.hold("W")
        server.stop()  # which asserts the status of the process
        assert [player.closed() for player in players] == [(1001, "shuttingDown")] * _PLACES


def test_a_place_is_free_again_as_soon_as_a_player_has_left(server: ServerProcess) -> None:
    with ExitStack() as stack:
        for _ in range(_PLACES - 1):
            stack.enter_context(client_of(server)).start(_SEED, model=_DIORAMA)
        for _ in range(3):
            with client_of(server) as last:
                last.start(_SEED, model=_DIORAMA)


def test_a_slow_reader_keeps_its_session_and_fills_no_memory(server: ServerProcess) -> None:
    with client_of(server, max_queue=1) as client:
        client.start(_SEED, model=_DIORAMA)
        client.hold("W")
        settled, most, ages = 0.0, 0.0, list[float]()
        began = due = time.monotonic()
        while (elapsed := time.monotonic() - began) < _READ_FOR_S:
            now = time.monotonic()
            client.control("W", ts=now * 1000)
            if now >= due:
                received = client.receive()
                if isinstance(received, Frame) and received.header.client_ts:
                    ages.append(time.monotonic() - received.header.client_ts / 1000)
                due = now + _READ_EVERY_S
            if elapsed > _READ_FOR_S / 4:
                settled = settled or rss_mb(server)
                most = max(most, rss_mb(server))
            time.sleep(0.05)
        client.hold("W")
    assert most - settled < _FLAT_MB
    assert len(ages) > _READ_FOR_S / _READ_EVERY_S / 2


def test_threads_and_descriptors_come_back_after_many_visits(server: ServerProcess) -> None:
    process = psutil.Process(server.pid)

    def visit() -> None:
        with client_of(server) as client:
            client.start(_SEED, model=_DIORAMA)
            client.hold("W")

    def sessions() -> list[object]:
        return json.loads(httpx.get(f"{server.url}/api/sessions", timeout=deadline_s()).text)["sessions"]

    for _ in range(5):
        visit()
    wait_until(lambda: not sessions(), "the first visitors have left")
    descriptors, threads = process.num_fds(), process.num_threads()
    for _ in range(40):
        visit()
    wait_until(lambda: not sessions(), "the last visitors have left")
    wait_until(lambda: process.num_fds() <= descriptors + 2, "their descriptors are closed")
    assert process.num_threads() <= threads + 4
