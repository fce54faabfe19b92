"""A stop in the middle of everything: streams that are followed, worlds that are played, and a job that runs."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from starlette.responses import Response
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.browser.server_process import ServerProcess
from tests.job_client import job_of, submit
from tests.play.harness import PlayClient, picture
from tests.services.openai_server import openai_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.requests import Request

pytestmark = [pytest.mark.trial, pytest.mark.timeout(300)]

_STREAMS: Final = 10
_SESSIONS: Final = 3
_FIRST_EVENTS: Final = 2  # the job was queued, and runs


async def never(_: Request) -> Response:
    """A writer of prompts that thinks for ever; the server has to leave it."""
    await asyncio.sleep(3600)
    return Response()


@contextmanager
def server_with_a_slow_writer(folder: Path) -> Generator[ServerProcess]:
    with openai_server(never) as endpoint:
        words = {"TERRARIUM_WRITER_ENDPOINT": f"{endpoint.base_url}/v1", "TERRARIUM_WRITER_MODEL": "writer"}
        pictures = {"TERRARIUM_IMAGE_ENDPOINT": f"{endpoint.base_url}/v1", "TERRARIUM_IMAGE_MODEL": "painter"}
        process = ServerProcess(folder, words | pictures)
        process.start()
        try:
            yield process
        finally:
            process.stop()


class Stream:
    """One reader of events, to the end that the server gives it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.told: list[dict[str, Any]] = []
        self.kinds: list[str] = []

    def follow(self) -> None:
        with httpx.stream("GET", self._url, timeout=deadline_s()) as response:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    self.kinds.append(value)
                elif name == "data":
                    self.told.append(json.loads(value))


def play_to_the_end(client: PlayClient) -> int:
    """The code of the close."""
    try:
        while True:
            client.control("W")
            client.played_frame()
    except ConnectionClosed:
        return client.socket.close_code or 0


def test_ten_streams_three_players_and_a_job_are_left_in_order(tmp_path: Path) -> None:
    """A stop that takes more than its five seconds is cut short, with status 1 and the stacks in `crash.log`."""
    with server_with_a_slow_writer(tmp_path) as server, ExitStack() as stack:
        http = stack.enter_context(httpx.Client(base_url=server.url, timeout=deadline_s()))
        job = submit(http, "scene", prompt="a bay at dawn")["id"]
        wait_until(lambda: job_of(http, job)["state"] == "running", "the job runs")
        threads = stack.enter_context(ThreadPoolExecutor(_STREAMS + _SESSIONS))
        paths = ("/api/events", f"/api/jobs/{job}/stream")
        streams = [Stream(server.url + paths[number % 2]) for number in range(_STREAMS)]
        followed = [threads.submit(stream.follow) for stream in streams]
        socket_url = server.url.replace("http", "ws", 1) + "/ws?protocol_version=5&client=terrarium"
        clients: list[PlayClient] = []
        for number in range(_SESSIONS):
            socket = stack.enter_context(
                connect(socket_url, compression=None, max_size=None, open_timeout=deadline_s())
            )
            clients.append(PlayClient(socket, extended=True))
            clients[-1].start(picture(60 * number, width=320, height=180), model="terrarium/diorama")
            clients[-1].hold("W")
        played = [threads.submit(play_to_the_end, client) for client in clients]
        wait_until(lambda: all(len(stream.told) >= _FIRST_EVENTS for stream in streams), "all streams tell")
        wait_until(lambda: http.get("/api/sessions").text.count('"playing"') == _SESSIONS, "all play")

        began = time.monotonic()
        server.stop()  # and see that it ends with status 0
        took_s = time.monotonic() - began

        for stream, ended in zip(streams, followed, strict=True):
            ended.result(deadline_s())
            assert (stream.kinds[-1], stream.told[-1]) == ("end", {"reason": "shutdown"})
        for ended in played:
            assert ended.result(deadline_s()) == 1001
        crash = tmp_path / "logs" / "crash.log"
        assert not crash.exists() or not crash.read_text(encoding="utf-8"), "the stop was cut short"
        print(f"{_STREAMS} streams, {_SESSIONS} players and a job: stopped after {took_s:.2f} s")  # noqa: T201 - the finding

        server.start()
        wait_until(lambda: job_of(http, job)["attempt"] == 2, "the job begins again")
