"""The link between a client and the server: the relay that shapes it, and what each codec makes of it."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from benchmarks.child import terrarium_server
from benchmarks.link import measure_link
from benchmarks.link_relay import LinkRelay, LinkShape
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

PAYLOAD = bytes(range(256)) * 400


@contextmanager
def sending_server() -> Generator[int]:
    """Sends `PAYLOAD` to whoever asks with one byte, and then waits for the other end to close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(deadline_s())

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(deadline_s())
                connection.recv(1)
                connection.sendall(PAYLOAD)
                connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(deadline_s())
        assert not thread.is_alive()


def read_all(client: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (part := client.recv(count - len(data))):
        data += part
    return bytes(data)


def test_bytes_arrive_whole_and_in_order_however_late_some_are() -> None:
    shape = LinkShape(50e6, 0.002, jitter_s=0.02)
    with (
        sending_server() as port,
        LinkRelay(port, shape) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=deadline_s()) as client,
    ):
        client.sendall(b"?")
        assert read_all(client, len(PAYLOAD)) == PAYLOAD


def test_a_link_that_is_cut_ends_both_connections() -> None:
    with (
        sending_server() as port,
        LinkRelay(port, LinkShape(1e6, 0.0)) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=deadline_s()) as client,
    ):
        client.sendall(b"?")
        assert read_all(client, 1000) == PAYLOAD[:1000]
        relay.cut()
        with suppress(ConnectionResetError):
            assert len(read_all(client, len(PAYLOAD))) < len(PAYLOAD) - 1000


@pytest.mark.trial
def test_a_slow_link_carries_more_and_younger_frames_of_h264_than_of_jpegs() -> None:
    shape = LinkShape(8e6, 0.02, jitter_s=0.004)
    with terrarium_server() as (server, _):
        jpeg = measure_link(server.port, shape, "&client=terrarium", 3.0)
        video = measure_link(server.port, shape, "&client=terrarium&video=h264", 3.0)
    assert video.frames_per_s > jpeg.frames_per_s
    assert video.age_p50_ms < jpeg.age_p50_ms
