"""The HTTP client against servers that do what servers should not."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.http_client.http_client import HTTPClientError, HTTPFault, HTTPRequestPayload, HTTPResponsePayload
from services.http_client.httpx_client import HttpxClient
from tests.services.openai_server import openai_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from starlette.requests import Request

MANY = 2 << 30


def send(url: str, **changes: object) -> HTTPResponsePayload:
    fields: dict[str, object] = {"method": "GET", "url": url, "timeout_s": deadline_s(), "max_bytes": 1000, **changes}
    return asyncio.run(HttpxClient().send(HTTPRequestPayload(**fields)))  # pyright: ignore[reportArgumentType] - a test's own


def fault_of(url: str, **changes: object) -> HTTPFault:
    with pytest.raises(HTTPClientError) as caught:
        send(url, **changes)
    assert "127.0.0.1" not in str(caught.value)
    return caught.value.fault


@contextmanager
def raw_server(answer: bytes) -> Generator[str]:
    """Reads something, answers these bytes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_an_answer_of_any_status_comes_back_whole() -> None:
    with openai_server(Response(b"no", 418)) as server:
        answer = send(f"{server.base_url}/v1/x", headers={"Authorization": "Bearer k"})
        assert (answer.status, answer.body) == (418, b"no")
        assert server.asked[0].headers["authorization"] == "Bearer k"
        assert server.asked[0].headers["accept-encoding"] == "identity"


def test_a_body_of_two_gigabytes_is_dropped_early() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < MANY:
            sent += 65536
            await asyncio.sleep(0)  # so that the server notices the client's leaving
            yield bytes(65536)

    async def stream(_: Request) -> Response:
        return StreamingResponse(endless())

    with openai_server(stream) as server:
        assert fault_of(server.base_url) is HTTPFault.TOO_LARGE
    assert sent < MANY // 16, "the connection was closed long before the end"


def test_a_declared_length_is_believed_when_it_is_too_large() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {MANY}\r\n\r\n".encode()
    with raw_server(head) as url:
        assert fault_of(url) is HTTPFault.TOO_LARGE


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(10 << 20))
    with openai_server(Response(bomb, headers={"content-encoding": "gzip"})) as server:
        assert fault_of(server.base_url, max_bytes=1 << 20) is HTTPFault.BROKEN


@pytest.mark.parametrize(
    "answer",
    [
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
        b"",
    ],
    ids=["no http", "cut short", "bad chunk", "negative", "endless head", "silence"],
)
def test_broken_http_is_a_typed_error(answer: bytes) -> None:
    with raw_server(answer) as url:
        assert fault_of(url) in {HTTPFault.BROKEN, HTTPFault.UNREACHABLE}


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert fault_of(f"http://127.0.0.1:{port}") is HTTPFault.UNREACHABLE


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "nonsense", "http://[::1"])
def test_only_http_is_spoken(url: str) -> None:
    assert fault_of(url) is HTTPFault.BROKEN


def test_a_server_that_drips_is_given_up_on_as_a_whole() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"."

    async def stream(_: Request) -> Response:
        return StreamingResponse(drip())

    with openai_server(stream) as server:
        assert fault_of(server.base_url, timeout_s=0.3, max_bytes=1 << 20) is HTTPFault.TIMEOUT


def test_cancelling_drops_the_connection() -> None:
    left = threading.Event()

    async def hold(request: Request) -> Response:
        while not await request.is_disconnected():  # noqa: ASYNC110 - starlette has nothing to wait for
            await asyncio.sleep(0.01)
        left.set()
        return Response()

    async def main(url: str) -> None:
        request = HTTPRequestPayload(method="GET", url=url, timeout_s=deadline_s(), max_bytes=10)
        asking = asyncio.create_task(HttpxClient().send(request))
        await asyncio.to_thread(wait_until, lambda: bool(server.asked), "the request arrived")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with openai_server(hold) as server:
        asyncio.run(main(server.base_url))
        assert left.wait(deadline_s())


def test_redirects_on_the_same_server_are_followed() -> None:
    with openai_server(RedirectResponse("/b", 307), RedirectResponse("c", 308), Response(b"here")) as server:
        assert send(f"{server.base_url}/a", method="POST", body=b"x").body == b"here"
        assert [asked.path for asked in server.asked] == ["/a", "/b", "/c"]
        assert server.asked[-1].body == b"x"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://localhost:1/x", "http://169.254.169.254/", "//127.0.0.1:9/x", "ftp://a/b"]
)
def test_redirects_to_elsewhere_are_not(target: str) -> None:
    with openai_server(RedirectResponse(target, 307)) as server:
        assert fault_of(server.base_url) is HTTPFault.BAD_REDIRECT
        assert len(server.asked) == 1


def test_redirects_in_circles_end() -> None:
    with openai_server(RedirectResponse("/again", 307)) as server:
        assert fault_of(server.base_url) is HTTPFault.BAD_REDIRECT
        assert len(server.asked) == 4


def test_a_post_is_not_turned_into_a_get() -> None:
    with openai_server(RedirectResponse("/b", 302)) as server:
        assert fault_of(server.base_url, method="POST") is HTTPFault.BAD_REDIRECT
