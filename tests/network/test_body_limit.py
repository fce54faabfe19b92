"""Bodies that are larger than they may be, over real sockets."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from error_types import ErrorCode
from network.middleware_stack import BodyLimit, network_middleware
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig
from tests.network.live_server import LiveServer, serving
from tests.network.raw_peer import RawPeer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

MIB = 1024 * 1024
LARGER: Mapping[str, BodyLimit] = {"/files": BodyLimit(2 * MIB, ErrorCode.SEED_TOO_LARGE, "The picture")}


class Received:
    """What the application was given."""

    def __init__(self) -> None:
        self.most = 0
        self.was_cut_off = False

    async def whole(self, request: Request) -> JSONResponse:
        try:
            async for chunk in request.stream():
                self.most += len(chunk)
        except ClientDisconnect:
            self.was_cut_off = True
            raise
        return JSONResponse(self.most)


@contextmanager
def counting() -> Generator[tuple[LiveServer, Received]]:
    received = Received()
    routes = [Route(path, received.whole, methods=["POST"]) for path in ("/json", "/files")]
    app = Starlette(routes=routes, middleware=network_middleware(Current.fixed(AccessConfig()), Current.fixed(LARGER)))
    with serving(app) as server:
        yield server, received


def begin(peer: RawPeer, path: str, *headers: str) -> None:
    peer.send("\r\n".join([f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{peer.port}", *headers, "", ""]))


def send_chunks(peer: RawPeer, count: int) -> None:
    """A quarter of a MiB each."""
    for _ in range(count):
        peer.send("40000\r\n" + "x" * (MIB // 4) + "\r\n")


def told(peer: RawPeer) -> tuple[int, Any]:
    status, headers, body = peer.read_answer()
    assert headers["connection"] == "close"
    return status, json.loads(body)


def test_a_body_that_says_it_is_too_large_is_never_read() -> None:
    with counting() as (server, received), RawPeer(server.port) as peer:
        begin(peer, "/json", f"Content-Length: {600 * MIB}")
        assert told(peer) == (
            413,
            {"code": "messageTooLarge", "message": "The body of the request is larger than 1 MiB."},
        )
        assert peer.stream.read() == b""
        assert (received.most, received.was_cut_off) == (0, False)


def test_a_client_that_asks_first_is_told_before_it_sends() -> None:
    with counting() as (server, _), RawPeer(server.port) as peer:
        begin(peer, "/json", f"Content-Length: {2 * MIB}", "Expect: 100-continue")
        assert told(peer)[0] == 413


def test_a_body_in_chunks_is_counted_as_it_comes() -> None:
    with counting() as (server, received), RawPeer(server.port) as peer:
        begin(peer, "/json", "Transfer-Encoding: chunked")
        send_chunks(peer, 40)
        status, refusal = told(peer)
        assert (status, refusal["code"]) == (413, "messageTooLarge")
        assert received.was_cut_off
        assert received.most <= MIB


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/json", MIB, 200), ("/json", MIB + 1, 413), ("/files", 2 * MIB, 200), ("/files", 2 * MIB + 1, 413)],
)
def test_the_limit_is_the_paths_own(path: str, size: int, status: int) -> None:
    with counting() as (server, _), RawPeer(server.port) as peer:
        begin(peer, path, f"Content-Length: {size}")
        peer.send("x" * size)
        answered, _, body = peer.read_answer()
        assert answered == status
        if path == "/files" and status == 413:
            assert json.loads(body) == {"code": "seedTooLarge", "message": "The picture is larger than 2 MiB."}


def test_a_file_in_chunks_is_counted_too() -> None:
    with counting() as (server, received), RawPeer(server.port) as peer:
        begin(peer, "//files", "Transfer-Encoding: chunked")
        send_chunks(peer, 40)
        assert told(peer)[1]["code"] == "seedTooLarge"
        assert received.most <= 2 * MIB


def test_uploads_in_progress_take_the_memory_of_a_few_files() -> None:
    """Else a stranger could begin many, and hold each for as long as the least rate lets it."""
    with counting() as (server, received):
        slow = [RawPeer(server.port) for _ in range(4)]
        for peer in slow:
            begin(peer, "/files", f"Content-Length: {2 * MIB}")
            peer.send("x" * (2 * MIB - 1))
        wait_until(lambda: received.most == 4 * (2 * MIB - 1), "all that was sent is held")
        with RawPeer(server.port) as late:
            begin(late, "/files", "Content-Length: 10")
            late.send("x" * 10)
            status, refusal = told(late)
            assert (status, refusal["code"]) == (503, "serverBusy")
        with RawPeer(server.port) as small:
            begin(small, "/json", "Content-Length: 10")
            small.send("x" * 10)
            assert small.read_answer()[0] == 200
        for peer in slow:
            peer.send("x")
            assert peer.read_answer()[0] == 200
            peer.close()
        with RawPeer(server.port) as later:
            begin(later, "/files", "Content-Length: 10")
            later.send("x" * 10)
            assert later.read_answer()[0] == 200


def test_what_follows_a_false_length_is_no_part_of_the_body() -> None:
    with counting() as (server, received), RawPeer(server.port) as peer:
        begin(peer, "/json", "Content-Length: 5")
        peer.send("x" * 3 * MIB)
        status, _, body = peer.read_answer()
        assert (status, body) == (200, b"5")
        assert peer.read_answer()[0] == 400
        assert peer.is_closed()
        assert received.most == 5


@pytest.mark.parametrize("length", ["-1", "5x", "5, 6", "+5", "0x5", ""])
def test_a_malformed_length_is_refused(length: str) -> None:
    with counting() as (server, received), RawPeer(server.port) as peer:
        begin(peer, "/json", f"Content-Length: {length}")
        status, _, body = peer.read_answer()
        assert (status, json.loads(body)["code"]) == (400, "invalidRequest")
        assert received.most == 0
