from __future__ import annotations

import asyncio
import logging
import queue
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn.protocols.utils import ClientDisconnected

from tests.network.live_server import serving
from tests.network.raw_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawPeer, frame_head
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

# Far more than the kernel takes for a peer that does not read.
BIG = bytes(16 * 1024 * 1024)
SMALL_RECEIVE_BUFFER = 65536
FAST_PINGS = {"ws_ping_interval": 0.2, "ws_ping_timeout": 0.3}  # for peers that are to be given up on
# For peers that are to stay: on a busy machine an answer takes its time.
PATIENT_PINGS = {"ws_ping_interval": deadline_s(0.2), "ws_ping_timeout": deadline_s(1.5)}


class Events:
    """What the application tells the test, in order."""

    def __init__(self) -> None:
        self._queue: queue.Queue[object] = queue.Queue()
        self.tell: Callable[[object], None] = self._queue.put

    def next(self) -> Any:
        return self._queue.get(timeout=deadline_s())


async def accept(receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


@pytest.fixture
def events() -> Events:
    return Events()


def test_send_returns_when_the_peer_has_read(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        try:
            await asyncio.wait_for(send({"type": "websocket.send", "bytes": BIG}), 0.3)
        except TimeoutError:
            events.tell("held")
        await send({"type": "websocket.send", "text": "after"})
        events.tell("released")
        await receive()

    with serving(app) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        assert peer.handshake()[0] == 101
        assert events.next() == "held"
        assert peer.read_frame().payload == BIG
        assert peer.read_frame().payload == b"after"
        assert events.next() == "released"


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no bound on unsent bytes alone")
def test_unread_bytes_stay_droppable(events: Events) -> None:
    """A peer that does not read blocks the sender early: only the kernel's buffers at both ends hold unread bytes."""
    piece = bytes(64 * 1024)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        count = 0
        try:
            while True:
                await asyncio.wait_for(send({"type": "websocket.send", "bytes": piece}), 0.5)
                count += 1
        except TimeoutError:
            events.tell(count * len(piece))

    with serving(app) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        peer.handshake()
        taken = events.next()
        assert taken <= 2 * 1024 * 1024


def test_a_half_open_peer_is_disconnected_while_a_send_is_stuck(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        sending = asyncio.create_task(send({"type": "websocket.send", "bytes": BIG}))
        message = await receive()
        events.tell((message["type"], message["code"]))
        with pytest.raises(ClientDisconnected):
            await sending
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "late"})
        events.tell("released")
        await asyncio.sleep(deadline_s())  # the transport is freed whatever the application does

    options = FAST_PINGS | {"timeout_graceful_shutdown": 1}
    with serving(app, **options) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        peer.handshake()
        assert events.next() == ("websocket.disconnect", 1011)
        assert events.next() == "released"
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_peer_that_answers_pings_stays(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        events.tell(await receive())

    with serving(app, **PATIENT_PINGS) as server, RawPeer(server.port) as peer:
        peer.handshake()
        for _ in range(10):  # for longer than a peer that does not answer would stay
            ping = peer.read_frame()
            assert ping.opcode == PING
            peer.send_frame(PONG, ping.payload)
        peer.send_frame(TEXT, b"here")
        assert events.next() == {"type": "websocket.receive", "text": "here"}


def test_a_long_upload_is_a_sign_of_life(events: Events) -> None:
    """A pong has to wait behind the message that its peer is in the middle of."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        message = await receive()
        events.tell(len(message.get("bytes", b"")))

    with serving(app, **PATIENT_PINGS) as server, RawPeer(server.port) as peer:
        peer.handshake()
        pieces = 20
        for number in range(pieces):
            peer.send_frame(CONTINUATION if number else BINARY, bytes(1000), final=number == pieces - 1)
            time.sleep(deadline_s(0.1))  # a slow uplink: for longer than a silent peer would stay, without a pong
        assert events.next() == pieces * 1000


def test_a_peer_that_ignores_our_close_frame_is_let_go(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        await send({"type": "websocket.close", "code": 1000, "reason": "bye"})
        events.tell(await receive())

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        assert events.next()["type"] == "websocket.disconnect"
        closing = peer.read_frame()
        assert (closing.close_code, closing.close_reason) == (1000, "bye")
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_peer_that_does_not_read_our_close_frame_is_let_go(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send({"type": "websocket.send", "bytes": BIG}), 0.2)
        await send({"type": "websocket.close", "code": 1008, "reason": "too slow"})
        events.tell("closed")

    with serving(app) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        peer.handshake()
        assert events.next() == "closed"
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_peer_that_closes_and_does_not_read_is_let_go(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        sending = asyncio.create_task(send({"type": "websocket.send", "bytes": BIG}))
        events.tell(await receive())
        with pytest.raises(ClientDisconnected):
            await sending

    with serving(app) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        peer.handshake()
        peer.send_frame(CLOSE, b"\x03\xe8")
        assert events.next()["code"] == 1000
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


def test_a_peer_that_shuts_its_end_is_let_go(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        sending = asyncio.create_task(send({"type": "websocket.send", "bytes": BIG}))
        events.tell(await receive())
        with pytest.raises(ClientDisconnected):
            await sending

    with serving(app) as server, RawPeer(server.port, receive_buffer=SMALL_RECEIVE_BUFFER) as peer:
        peer.handshake()
        peer.socket.shutdown(socket.SHUT_WR)
        assert events.next()["code"] == 1006
        wait_until(lambda: server.connection_count == 0, "the transport is gone")


@pytest.mark.parametrize("fragments", [1, 64])
def test_a_message_over_the_limit_is_answered_with_1009(events: Events, fragments: int) -> None:
    """The peer sends all of it before it reads: a reset would take the close frame away."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        message = await receive()
        events.tell((message["type"], message["code"]))

    with serving(app, ws_max_size=65536) as server, RawPeer(server.port) as peer:
        peer.handshake()
        piece = bytes(len(BIG) // fragments)
        for number in range(fragments):
            peer.send_frame(CONTINUATION if number else BINARY, piece, final=number == fragments - 1)
        assert events.next() == ("websocket.disconnect", 1009)
        assert peer.read_to_close().close_code == 1009
        with pytest.raises(EOFError):
            peer.read_frame()


@pytest.mark.parametrize("path", ["/watch", "//watch", "/%77s/../watch", "/", "/wsx"])
def test_only_a_session_takes_long_messages(path: str, events: Events) -> None:
    """The others read no more of one than its length."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        for _ in range(2):
            message = await receive()
            events.tell((message["type"], len(message.get("bytes", b"")), message.get("code")))

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake(path)
        peer.send_frame(BINARY, bytes(16 * 1024))
        assert events.next() == ("websocket.receive", 16 * 1024, None)
        peer.socket.sendall(frame_head(BINARY, 16 * 1024 + 1))
        assert events.next() == ("websocket.disconnect", 0, 1009)
        assert peer.read_to_close().close_code == 1009


@pytest.mark.parametrize("path", ["/ws", "/ws?client=terrarium", "//ws", "/%77s"])
def test_a_session_takes_long_messages_as_the_first_already(path: str, events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        events.tell(len((await receive())["bytes"]))

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake(path)
        peer.send_frame(BINARY, BIG)
        assert events.next() == len(BIG)


def test_an_application_that_fails_leaves_1011(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        raise LookupError("only in the log")

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        closing = peer.read_to_close()
        assert (closing.close_code, closing.close_reason) == (1011, "internal error")
        peer.send_frame(CLOSE, closing.payload)
        wait_until(lambda: server.connection_count == 0, "gone")
    assert caplog.text.count("Traceback") == 1


def test_an_application_that_returns_leaves_1000() -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        assert peer.read_to_close().close_code == 1000


def test_a_long_close_reason_is_shortened() -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        await send({"type": "websocket.close", "code": 1008, "reason": "ä" * 100})

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        assert peer.read_to_close().close_reason == "ä" * 61


def test_a_stop_says_1012_to_a_peer_that_is_sending(events: Events) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        while (await receive())["type"] == "websocket.receive":
            events.tell("received")
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "late"})

    with serving(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        peer.send_frame(TEXT, b"one")
        events.next()
        server.should_exit = True
        peer.send_frame(TEXT, b"two")
        assert peer.read_to_close().close_code == 1012


def test_no_query_string_reaches_a_log(caplog: pytest.LogCaptureFixture, events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        events.tell(scope["query_string"])
        await receive()
        if scope["path"] == "/refused":
            await send({"type": "websocket.close"})
        else:
            await send({"type": "websocket.accept"})

    loggers = [logging.getLogger(name) for name in ("", "uvicorn", "uvicorn.error", "uvicorn.access", "websockets")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        with serving(app) as server:
            for path, status in (("/ws", 101), ("/refused", 403)):
                with RawPeer(server.port) as peer:
                    assert peer.handshake(f"{path}?token=sesame-sesame")[0] == status
                    assert events.next() == b"token=sesame-sesame"
            wait_until(lambda: server.connection_count == 0, "gone")
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    assert "/ws" in caplog.text, "the accept line was captured"
    assert "sesame" not in caplog.text
