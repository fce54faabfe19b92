"""The middleware of the network, in front of a small application, spoken to over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from logging_policy import configure_logging
from network._access_middleware import AccessMiddleware
from network._response_headers import SECURITY_HEADERS
from network.middleware_stack import network_middleware
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig
from sign_in import NoPeople
from tests.network.live_server import LiveServer, serving
from tests.network.raw_peer import RawPeer
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.requests import Request
    from starlette.websockets import WebSocket

TOKEN = "correct-horse-battery-staple"
LOCAL = AccessConfig()


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("page")


async def models(request: Request) -> JSONResponse:
    return JSONResponse({"query": str(request.query_params), "id": request.path_params.get("id")})


async def broken(_: Request) -> PlainTextResponse:
    raise LookupError("only for the log: /home/someone")


async def left(_: Request) -> PlainTextResponse:
    """As an event stream ends whose client has gone while it was written to."""
    raise ExceptionGroup("tasks", [ExceptionGroup("inner", [ClientDisconnected()]), WebSocketDisconnect()])


async def left_and_broken(_: Request) -> PlainTextResponse:
    raise ExceptionGroup("tasks", [ClientDisconnected(), LookupError("only for the log")])


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    if "fail" in websocket.query_params:
        raise LookupError("only for the log")
    await websocket.send_text("hello")
    await websocket.receive()


def build_app(access: AccessConfig) -> Starlette:
    routes = [
        Route("/", page),
        Route("/health", page),
        Route("/api/models", models),
        Route("/broken", broken),
        Route("/left", left),
        Route("/left-and-broken", left_and_broken),
        Route("/shutdown", page, methods=["POST"]),
        WebSocketRoute("/ws", socket),
    ]
    return Starlette(routes=routes, middleware=network_middleware(Current.fixed(access)))


class Events:
    """What was logged, as the pipeline's tap sees it."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for fields in self.all if fields["event"] == event]


@pytest.fixture
def events() -> Generator[Events]:
    seen = Events()
    undo = configure_logging("json", None, lambda fields: seen.all.append(dict(fields)), level="debug")
    yield seen
    undo()


@contextmanager
def serving_with(access: AccessConfig = LOCAL) -> Generator[LiveServer]:
    with serving(build_app(access)) as server:
        yield server


def request(server: LiveServer, method: str, target: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline_s())
    try:
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("target", ["/api/models", "//api/models", "/api//models", "///api///models"])
def test_slashes_are_collapsed(target: str) -> None:
    with serving_with() as server:
        status, _, body = request(server, "GET", target + "?a=//b")
        assert (status, json.loads(body)["query"]) == (200, "a=%2F%2Fb")


@pytest.mark.parametrize("target", ["/", "/nowhere", "/broken", "/api/models"])
def test_every_answer_has_the_security_headers_and_an_id(target: str) -> None:
    with serving_with() as server:
        for host in ({}, {"Host": "evil.example"}):
            _, headers, _ = request(server, "GET", target, **host)
            for name, value in SECURITY_HEADERS:
                assert headers.get_all(name) == [value]
            assert len(headers["X-Request-ID"]) == 16


def test_a_client_does_not_choose_its_id() -> None:
    with serving_with() as server:
        first, second = (request(server, "GET", "/", **{"X-Request-ID": "mine"})[1]["X-Request-ID"] for _ in range(2))
        assert len({first, second, "mine"}) == 3


def test_an_access_event_has_the_request_and_no_query(events: Events) -> None:
    with serving_with() as server:
        _, headers, _ = request(server, "GET", "/api/models?token=sesame")
        request(server, "GET", "/nowhere?token=sesame")
    served, missing = events.named("Request served")
    assert (served["level"], missing["level"]) == ("debug", "info")
    assert (served["status"], served["method"], served["path"]) == (200, "GET", "/api/models")
    assert served["request_id"] == headers["X-Request-ID"] != missing["request_id"]
    assert served["duration_ms"] >= 0
    assert "sesame" not in str(events.all)


def test_a_failure_is_logged_once_and_gives_nothing_away(events: Events) -> None:
    with serving_with() as server:
        status, headers, body = request(server, "GET", "/broken")
    assert status == 500
    assert json.loads(body)["code"] == "internal"
    assert "someone" not in body
    assert "LookupError" not in body
    (failure,) = [fields for fields in events.all if "exception" in fields]
    assert failure["event"] == "Unhandled exception"
    assert failure["request_id"] == headers["X-Request-ID"]


def test_a_client_that_has_left_is_no_failure_of_the_server(events: Events) -> None:
    with serving_with() as server:
        for path in ("/left", "/left-and-broken"):
            with suppress(http.client.HTTPException, OSError):
                request(server, "GET", path)
    (failure,) = [fields for fields in events.all if "exception" in fields]
    assert failure["path"] == "/left-and-broken"


def test_a_failing_socket_is_logged_once_and_closed_with_1011(events: Events) -> None:
    with serving_with() as server, RawPeer(server.port) as peer:
        _, headers = peer.handshake("/ws?fail=1")
        assert peer.read_to_close().close_code == 1011
    (failure,) = [fields for fields in events.all if "exception" in fields]
    assert failure["request_id"] == headers["x-request-id"]


def test_a_peer_that_leaves_is_no_failure(events: Events) -> None:
    with serving_with() as server:
        with RawPeer(server.port) as peer:
            peer.handshake("/ws")
        wait_until(lambda: server.connection_count == 0, "the peer is gone")
    assert [fields for fields in events.all if "exception" in fields or fields["level"] == "error"] == []


def test_a_refusal_is_one_line(events: Events) -> None:
    with serving_with() as server:
        status, _, body = request(server, "GET", "/api/models", Host="evil.example")
    assert (status, json.loads(body)["code"]) == (403, "hostForbidden")
    (line,) = [fields for fields in events.all if fields["level"] != "debug"]
    assert (line["event"], line["status"], line["code"]) == ("Request served", 403, "hostForbidden")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 101, None),
        ({"Origin": "file://"}, 101, None),
        ({"Origin": "http://evil.example"}, 403, "originForbidden"),
        ({"Origin": "null"}, 403, "originForbidden"),
        ({"host": "evil.example"}, 403, "hostForbidden"),
    ],
)
def test_handshakes(headers: dict[str, str], status: int, code: str | None) -> None:
    with serving_with() as server, RawPeer(server.port) as peer:
        answered, answer = peer.handshake("/ws", **headers)
        assert answered == status
        if code is not None:
            assert json.loads(peer.stream.read(int(answer["content-length"])))["code"] == code


def test_a_handshake_without_the_token_is_refused_with_401() -> None:
    with serving_with(AccessConfig(token=TOKEN)) as server:
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {TOKEN}"}, 101)):
            with RawPeer(server.port) as peer:
                assert peer.handshake("/ws", **headers)[0] == status


def test_a_browser_logs_in_by_its_address(events: Events) -> None:
    with serving_with(AccessConfig(token=TOKEN)) as server:
        status, headers, body = request(server, "GET", "/")
        assert (status, headers.get_content_type()) == (401, "text/html")
        assert 'name="token"' in body
        assert "That is not the token" not in body

        status, headers, body = request(server, "GET", f"/?token={TOKEN}x")
        assert (status, headers["Set-Cookie"]) == (401, None)
        assert "That is not the token" in body

        status, headers, _ = request(server, "GET", f"/?token={TOKEN}")
        assert (status, headers["Location"], headers["Cache-Control"]) == (303, "/", "no-store")
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert request(server, "GET", "/", Cookie=cookie)[0] == 200
        with RawPeer(server.port) as peer:
            assert peer.handshake("/ws", Cookie=cookie)[0] == 101

        status, headers, body = request(server, "GET", "/api/models")
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert json.loads(body)["code"] == "tokenRequired"
        assert request(server, "GET", "/health")[0] == 200
    assert TOKEN not in str(events.all)


def test_a_proxied_request_is_not_local() -> None:
    with serving_with() as server:
        assert request(server, "POST", "/shutdown")[0] == 200
        status, _, body = request(server, "POST", "/shutdown", **{"X-Forwarded-For": "127.0.0.1"})
        assert (status, json.loads(body)["code"]) == (403, "localOnly")


def test_a_server_without_the_response_extension_closes() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "scheme": "ws", "headers": [(b"host", b"evil.example")]}
    app = AccessMiddleware(build_app(AccessConfig()), Current.fixed(AccessConfig()), NoPeople(), 0.5)
    asyncio.run(app(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_logging_stays_quiet_below_warning_for_the_server(events: Events) -> None:
    with serving_with() as server, RawPeer(server.port) as peer:
        peer.handshake("/ws")
    assert [fields for fields in events.all if str(fields["logger"]).startswith("uvicorn")] == []
    assert logging.getLogger("uvicorn.error").level == logging.WARNING
