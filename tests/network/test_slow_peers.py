"""Peers that are slow, silent or too many, over real sockets."""

from __future__ import annotations

import gc
import json
import time
import weakref
from dataclasses import replace
from typing import Any

import pytest

from runtime_config.runtime_config import DoorConfig
from tests.network.answering import Answering, answer, ask, post
from tests.network.live_server import serving
from tests.network.raw_peer import RawPeer
from tests.waiting import deadline_s, wait_until

PATIENT = DoorConfig()
IMPATIENT = replace(PATIENT, request_head_s=0.2, stall_s=0.2, least_bytes_per_s=100_000.0, unread_s=0.3)
BIG = 16 * 1024 * 1024


def trickle(peer: RawPeer, text: str) -> None:
    """Byte by byte, until the server has had enough."""
    for character in text:
        try:
            peer.send(character)
        except OSError:
            return
        time.sleep(0.02)


def send_for_ever(peer: RawPeer) -> None:
    while True:
        peer.send("x" * 1_000_000)


# ------------------------------------------------------------------------------------------------ requests


def test_a_silent_connection_is_ended() -> None:
    with serving(Answering(), IMPATIENT) as server, RawPeer(server.port) as peer:
        assert peer.stream.read() == b""
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_head_that_comes_too_slowly_is_answered_with_408() -> None:
    with serving(Answering(), IMPATIENT) as server, RawPeer(server.port) as peer:
        trickle(peer, "GET / HTTP/1.1\r\nHost: " + "h" * 100)
        status, _, body = peer.read_answer()
        assert (status, json.loads(body)["code"]) == (408, "clientTooSlow")
        assert peer.is_closed()


def test_a_slow_head_on_a_used_connection_is_ended_too() -> None:
    """The time between requests is uvicorn's to bound, but any byte ends that time."""
    with serving(Answering(), IMPATIENT, timeout_keep_alive=60) as server, RawPeer(server.port) as peer:
        ask(peer)
        assert peer.read_answer()[0] == 200
        trickle(peer, "GET / HTTP/1.1\r\nHost: " + "h" * 100)
        assert peer.read_answer()[0] == 408
        assert peer.is_closed()


def test_a_websocket_handshake_that_comes_slowly_is_a_slow_request() -> None:
    with serving(Answering(), IMPATIENT) as server, RawPeer(server.port) as peer:
        trickle(peer, "GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: " + "h" * 100)
        assert peer.read_answer()[0] == 408


@pytest.mark.parametrize("path", ["/", "/wait"])
def test_a_body_that_stops_coming_ends_the_request(path: str) -> None:
    app = Answering()
    with serving(app, IMPATIENT) as server, RawPeer(server.port) as peer:
        post(peer, 100_000, path)
        peer.send("x" * 1000)
        status, _, body = peer.read_answer()
        assert (status, json.loads(body)["code"]) == (408, "clientTooSlow")
        assert peer.is_closed()
        if path == "/wait":
            assert app.next() == "waits"
            app.release()
        assert app.next() == "gone"


def test_a_body_below_the_least_rate_ends_the_request() -> None:
    app = Answering()
    with serving(app, IMPATIENT) as server, RawPeer(server.port) as peer:
        post(peer, 100_000)
        trickle(peer, "x" * 100)
        assert peer.read_answer()[0] == 408
        assert app.next() == "gone"


def test_a_body_at_the_least_rate_may_take_as_long_as_it_needs() -> None:
    """For twice as long as a silent peer would stay."""
    door = replace(PATIENT, stall_s=deadline_s(1.0), least_bytes_per_s=1000.0 / deadline_s(1.0))
    with serving(Answering(), door) as server, RawPeer(server.port) as peer:
        post(peer, 20 * 400)
        for _ in range(20):
            peer.send("x" * 400)
            time.sleep(deadline_s(0.1))
        assert peer.read_answer()[2] == b"8000"


def test_a_peer_is_not_late_while_the_application_does_not_read() -> None:
    app = Answering()
    with serving(app, IMPATIENT) as server, RawPeer(server.port) as waiting, RawPeer(server.port) as other:
        post(waiting, 1_000_000, "/wait")
        waiting.send("x" * 200_000)  # more than is held for the application: the server has stopped reading
        assert app.next() == "waits"
        assert other.stream.read() == b"", "that took longer than a silent peer stays"
        app.release()
        waiting.send("x" * 800_000)
        assert waiting.read_answer()[2] == b"1000000"


def test_a_peer_that_waits_to_be_asked_for_its_body_is_not_late() -> None:
    app = Answering()
    with serving(app, IMPATIENT) as server, RawPeer(server.port) as waiting, RawPeer(server.port) as other:
        post(waiting, 5, "/wait", "Expect: 100-continue")
        assert app.next() == "waits"
        assert other.stream.read() == b""
        app.release()
        assert waiting.stream.readline().startswith(b"HTTP/1.1 100")
        assert waiting.stream.readline() == b"\r\n"
        waiting.send("hello")
        assert waiting.read_answer()[2] == b"5"


def test_an_answer_reaches_a_peer_that_is_still_sending() -> None:
    """Closing a socket with unread bytes resets the connection, and the answer is lost."""
    app = Answering()
    with serving(app) as server, RawPeer(server.port) as peer:
        post(peer, BIG, "/refused")
        assert app.next() == "refused"
        peer.send("x" * (BIG // 2))
        assert peer.read_answer()[2] == b"no"
        peer.send("x" * (BIG // 2))
        assert peer.stream.read() == b""


def test_a_body_that_nobody_wants_any_more_ends_the_connection() -> None:
    with serving(Answering()) as server, RawPeer(server.port) as peer:
        post(peer, 10**12, "/ignored")
        assert peer.read_answer()[2] == b"done"
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            send_for_ever(peer)


def test_garbage_behind_a_request_fails_no_application(caplog: pytest.LogCaptureFixture) -> None:
    app = Answering()
    with serving(app) as server, RawPeer(server.port) as peer:
        peer.send("POST /wait HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n")
        status, _, body = peer.read_answer()
        assert (status, json.loads(body)["code"]) == (400, "invalidRequest")
        assert app.next() == "waits"
        app.release()
        assert app.next() == "gone"
    assert "Traceback" not in caplog.text


# ------------------------------------------------------------------------------------------------ answers


def test_a_peer_that_reads_no_answer_is_let_go() -> None:
    app = Answering()
    with serving(app, IMPATIENT) as server, RawPeer(server.port, receive_buffer=65536) as peer:
        ask(peer, "/big")
        assert app.next() == "begun"
        assert app.next() == "gone"
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_peer_that_leaves_ends_the_answer() -> None:
    app = Answering()
    with serving(app) as server:
        with RawPeer(server.port) as peer:
            ask(peer, "/big")
            assert app.next() == "begun"
        assert app.next() == "gone"


def test_a_large_answer_arrives_as_it_was() -> None:
    body = bytes(range(256)) * (BIG // 256)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await answer(send, body)

    with serving(app) as server, RawPeer(server.port) as peer:
        ask(peer)
        assert peer.read_answer()[2] == body
        ask(peer)
        assert peer.read_answer()[2] == body


@pytest.mark.parametrize("is_websocket", [False, True])
def test_a_connection_leaves_memory_by_itself(*, is_websocket: bool) -> None:
    """Strangers can open connections faster than the garbage collector comes."""
    app = Answering()
    gc.disable()
    try:
        with serving(app) as server:
            with RawPeer(server.port) as peer:
                wait_until(lambda: server.connection_count == 1, "it is there")
                connection = weakref.ref(next(iter(server.server_state.connections)))
                if is_websocket:
                    assert peer.handshake()[0] == 101
                else:
                    post(peer, 5)
                    peer.send("hello")
                    assert peer.read_answer()[0] == 200
            wait_until(lambda: connection() is None, "nothing holds it")
    finally:
        gc.enable()
