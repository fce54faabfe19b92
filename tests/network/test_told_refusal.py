"""A desktop client without the token: told on its socket why, and gone within a second, having cost next to nothing."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from runtime_config.runtime_config import AccessConfig, SessionLimits
from tests.network.raw_peer import BINARY, CLOSE, TEXT, RawPeer, frame_head
from tests.play.harness import play_server
from tests.play.stock_client import accept
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.play.harness import PlayServer

TOKEN = "correct-horse-battery-staple"
STOCK = "/ws?protocol_version=5"


@contextmanager
def guarded_server(error_linger_s: float = 0.5) -> Generator[PlayServer]:
    with play_server(
        access=AccessConfig(token=TOKEN), limits=SessionLimits(error_linger_s=error_linger_s), max_sessions=1
    ) as server:
        server.http.headers["Authorization"] = f"Bearer {TOKEN}"
        yield server


@pytest.mark.trial
def test_it_is_told_what_it_shows_and_has_time_for_it() -> None:
    with guarded_server(error_linger_s=3600) as server, server.client() as client:
        error = client.of_type("error")
        accept(error)
        assert error["code"] == "tokenRequired"
        assert "--allow-anonymous" in error["message"]
        with pytest.raises(TimeoutError):
            client.receive(timeout_s=0.2)
        assert server.sessions() == []


def test_it_is_closed_whether_it_answers_or_not() -> None:
    with guarded_server(error_linger_s=0.05) as server:
        with server.client() as client:
            assert client.closed() == (1000, "tokenRequired")
        with RawPeer(server.server.port) as silent:
            assert silent.handshake(STOCK)[0] == 101
            assert silent.read_frame().opcode == TEXT
            closing = silent.read_frame()
            assert (closing.opcode, closing.close_code, closing.close_reason) == (CLOSE, 1000, "tokenRequired")
            assert silent.is_closed()


def test_it_takes_nobodys_place() -> None:
    with guarded_server(error_linger_s=3600) as server, server.client(token=TOKEN) as player:
        player.start()
        with server.client() as stranger:
            assert stranger.of_type("error")["code"] == "tokenRequired"
            assert [session["state"] for session in server.sessions()] == ["playing"]
            player.hold("W")


def test_what_it_sends_is_not_read() -> None:
    """Not a message that breaks every limit, and not one that never ends."""
    with guarded_server(error_linger_s=0.2) as server, RawPeer(server.server.port) as peer:
        peer.handshake(STOCK)
        assert peer.read_frame().opcode == TEXT
        peer.socket.sendall(frame_head(BINARY, 1 << 40) + bytes(1 << 20))
        assert peer.read_frame().close_code == 1000, "a frame of that length would be answered with 1009"
        assert peer.is_closed()


def test_one_that_leaves_is_not_waited_for() -> None:
    with guarded_server(error_linger_s=3600) as server:
        before = server.server.connection_count
        with RawPeer(server.server.port) as peer:
            peer.handshake(STOCK)
            assert peer.read_frame().opcode == TEXT
        wait_until(lambda: server.server.connection_count <= before, "its connection has ended")


def test_the_server_stops_while_one_lingers() -> None:
    with ExitStack() as stack:
        with guarded_server(error_linger_s=3600) as server:
            peer = stack.enter_context(RawPeer(server.server.port))
            peer.handshake(STOCK)
            assert peer.read_frame().opcode == TEXT
        assert peer.is_closed()


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        (STOCK, {"Origin": "http://evil.example"}, 403, "originForbidden"),
        (STOCK, {"Host": "evil.example"}, 403, "hostForbidden"),
        (STOCK, {"Authorization": "Bearer wrong"}, 401, "tokenRequired"),
        (f"{STOCK}&client=terrarium", {}, 401, "tokenRequired"),
        ("/ws", {}, 401, "tokenRequired"),
    ],
)
def test_others_are_refused_at_the_handshake(target: str, headers: dict[str, str], status: int, code: str) -> None:
    lowered = {name if name != "Host" else "host": value for name, value in headers.items()}
    with guarded_server() as server, RawPeer(server.server.port) as peer:
        got, answered = peer.handshake(target, **lowered)
        body = peer.stream.read(int(answered["content-length"]))
        assert (got, json.loads(body)["code"]) == (status, code)


def test_its_other_requests_are_refused_in_words() -> None:
    with guarded_server() as server:
        del server.http.headers["Authorization"]
        assert server.http.get("/health").status_code == 200
        models = server.http.get("/api/models", timeout=deadline_s())
        assert (models.status_code, models.json()["code"]) == (401, "tokenRequired")
        assert "requires its token" in models.json()["message"]
