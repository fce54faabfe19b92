"""What tests of broken connections share: a client whose connection breaks, and its way back."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runtime_config.runtime_config import SessionLimits
from tests.play.harness import Frame, session_config
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.fakes.fake_world_engine import FakeFrameContent
    from tests.play.harness import Json, PlayClient, PlayServer

LONG_HOLD = SessionLimits(control_hold_s=3600)
_UNCAPPED: dict[str, Any] = {"cap_inference_fps": False}


def cut(client: PlayClient) -> None:
    """Break the connection without a word, as a lost network or a killed browser does."""
    client.socket.socket.shutdown(socket.SHUT_RDWR)


def left(server: PlayServer) -> None:
    """Wait until the server has noticed, and nobody has a session."""
    wait_until(lambda: not server.sessions(), "all sessions have ended")


def come_back(client: PlayClient, token: str, **config: Any) -> Json:
    """Ask for the world of the token; the whole answer."""
    return client.reply(ask_back(client, token, **config))


def ask_back(client: PlayClient, token: str, **config: Any) -> str:
    return client.request("init", model=None, config=session_config(**config), resume_token=token)


def back_where(client: PlayClient, token: str) -> tuple[Json, FakeFrameContent]:
    """Come back: the answer's data, and what is seen there. Which of them comes first is open."""
    request, shown, answer = ask_back(client, token), None, None
    while shown is None or answer is None:
        received = client.receive()
        if isinstance(received, Frame):
            shown = shown or received.content
        elif received["type"] == "response" and received["req_id"] == request:
            answer = received
    assert answer["success"], answer
    return answer["data"], shown


@contextmanager
def walked(server: PlayServer, passes: int = 10, **init: Any) -> Generator[tuple[str, PlayClient]]:
    """A client that has walked so many passes, and its token. Its connection is cut at the end of the block."""
    with server.client(extended=True) as client:
        token: str = client.start(**_UNCAPPED | init)["resume_token"]
        client.hold("W", until=lambda frame: frame.content.pass_number >= passes)
        yield token, client
        cut(client)


def broken_off(server: PlayServer, passes: int = 10, **init: Any) -> str:
    """The token of a client that has walked so many passes and was cut off."""
    with walked(server, passes, **init) as (token, _):
        pass
    left(server)
    return token


def next_pass(client: PlayClient) -> Frame:
    client.control("D")
    return client.played_frame()


def metric(server: PlayServer, name: str) -> float:
    text = server.http.get("/metrics").text
    (line,) = [line for line in text.splitlines() if line.startswith(f"terrarium_{name}_total ")]
    return float(line.split()[1])
