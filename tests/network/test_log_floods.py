"""What a stranger can cause by the thousand leaves room in the log for everything else."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route

from logging_policy import configure_logging
from network.middleware_stack import network_middleware
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig
from tests.network.live_server import serving
from tests.network.raw_peer import RawPeer

if TYPE_CHECKING:
    from starlette.requests import Request

FLOOD = 300
FIRST = 50  # of a kind are written


async def broken(_: Request) -> None:
    raise LookupError("only for the log")


def test_floods_of_refusals_are_counted() -> None:
    app = Starlette(
        routes=[Route("/broken", broken)],
        middleware=network_middleware(Current.fixed(AccessConfig(token="correct-horse-battery"))),
    )
    stream = io.StringIO()
    undo = configure_logging("json", None, None, stream=stream)
    try:
        with serving(app) as server:
            host = f"Host: 127.0.0.1:{server.port}"
            for number in range(FLOOD):
                with RawPeer(server.port) as peer:
                    peer.send(f"GET /{number} HTTP/1.1\r\n{host}\r\nAuthorization: Bearer {number}\r\n\r\n")
                    assert peer.read_answer()[0] == 401
                    peer.send("nonsense\r\n\r\n")
                    assert peer.read_answer()[0] == 400
                with RawPeer(server.port) as peer:
                    assert peer.handshake(f"/ws?{number}", host="evil.example")[0] == 403
            with RawPeer(server.port) as peer:
                bearer = "Authorization: Bearer correct-horse-battery"
                peer.send(f"GET /broken HTTP/1.1\r\n{host}\r\n{bearer}\r\n\r\n")
                assert peer.read_answer()[0] == 500
    finally:
        undo()
    events: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    written = Counter((event["event"], event.get("status")) for event in events if "of" not in event)
    assert written == {
        ("Request served", 401): FIRST,
        ("Invalid HTTP request received.", None): FIRST,
        ("Handshake refused", 403): FIRST,
        ("Unhandled exception", None): 1,
        ("Request served", 500): 1,
    }
    left_out = {event["of"]: event["count"] for event in events if "of" in event}
    assert left_out == dict.fromkeys(
        ("Request served", "Invalid HTTP request received.", "Handshake refused"), FLOOD - FIRST
    )
