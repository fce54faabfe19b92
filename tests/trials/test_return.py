"""A server that is killed in mid-play, again and again, and started again on the same folder and port."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from websockets.sync.client import connect

from tests.play.harness import PlayClient, picture, session_config
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.trial, pytest.mark.timeout(300)]

_LIVES: Final = 4
_PLAYED_S: Final = 4.0  # longer than what is too short to be kept as a recording


def listed(server: ServerProcess, what: str) -> list[dict[str, Any]]:
    return httpx.get(f"{server.url}/api/{what}", timeout=deadline_s()).json()[what]


def socket_url(server: ServerProcess) -> str:
    return server.url.replace("http", "ws", 1) + "/ws?protocol_version=5&client=terrarium"


def test_what_was_saved_and_recorded_is_there_after_every_kill(server: ServerProcess) -> None:
    url = server.url
    for life in range(1, _LIVES + 1):
        with connect(socket_url(server), compression=None, max_size=None, open_timeout=deadline_s()) as socket:
            client = PlayClient(socket, extended=True)
            client.start(picture(20 * life, width=320, height=180), model="terrarium/diorama", video_recording=True)
            began = time.monotonic()
            client.hold("W", until=lambda _, began=began: time.monotonic() - began > _PLAYED_S)
            assert client.reply(client.request("save_world"))["success"]
            client.hold("W")
            server.kill()
        server.start()
        assert server.url == url
        assert len(listed(server, "worlds")) == life
        wait_until(lambda life=life: len(listed(server, "recordings")) == life, "the recording is in the gallery")
    for world in listed(server, "worlds"):
        with connect(socket_url(server), compression=None, max_size=None, open_timeout=deadline_s()) as socket:
            client = PlayClient(socket, extended=True)
            opened = client.request("init", model=world["model"], config=session_config(), world_id=world["id"])
            assert client.reply(opened)["success"]
            client.hold("W")
