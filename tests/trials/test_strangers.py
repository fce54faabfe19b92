"""A page of somebody else in the same browser, and a name that somebody else points at this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.play.harness import PlayClient, picture
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.trial, pytest.mark.timeout(120)]

_FOREIGN: Final = "https://somewhere.example"
# A foreign page, a page without an origin, and a foreign name that resolves to this machine.
_STRANGERS: Final = ({"Origin": _FOREIGN}, {"Origin": "null"}, {"Host": "somewhere.example"})
_HARM: Final = (
    ("POST", "/shutdown"),
    ("POST", "/api/seeds"),
    ("POST", "/api/worlds"),
    ("GET", "/api/sessions"),
    ("DELETE", "/api/worlds/0123456789abcdef"),
    ("DELETE", "/api/recordings/x"),
    ("POST", "/api/sessions/00000000/rewind"),
)
_SEED: Final = picture(90, 120, 60, width=320, height=180)


def test_it_can_neither_stop_nor_steer_over_http(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url, timeout=deadline_s()) as http:
        for method, path in _HARM:
            for headers in _STRANGERS:
                answer = http.request(method, path, headers=headers)
                assert answer.status_code in {403, 421}, f"{method} {path} with {headers}: {answer.text}"
        assert http.get("/health").status_code == 200


def test_it_cannot_play_or_disturb_who_plays(server: ServerProcess) -> None:
    url = server.url.replace("http", "ws", 1) + "/ws?protocol_version=5"
    with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        client = PlayClient(socket, extended=False)
        client.start(_SEED, model="terrarium/diorama")
        for number in range(40):
            origin = {"Origin": (_FOREIGN, "null")[number % 2]}
            with pytest.raises(InvalidStatus) as refused:
                connect(url, additional_headers=origin, open_timeout=deadline_s())
            assert refused.value.response.status_code == 403
        client.hold("W")
        sessions = json.loads(httpx.get(f"{server.url}/api/sessions", timeout=deadline_s()).text)["sessions"]
        assert len(sessions) == 1
