"""Gives each request an id that its log events carry, and logs one access event for it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import MutableHeaders
from structlog.contextvars import bind_contextvars, clear_contextvars

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class RequestContextMiddleware:
    """Binds `request_id`, `method` and `path`, and sends the id as X-Request-ID.

    The query string is not logged, because it may contain the token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        # Requests on a kept-alive connection inherit the context of the previous one, so it is cleared first. It is not
        # cleared afterwards, because errors of this request may be logged further out and must carry its id.
        clear_contextvars()
        bind_contextvars(request_id=request_id, path=scope["path"])
        if "method" in scope:
            bind_contextvars(method=scope["method"])
        started_at = time.monotonic()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message.get("status", 101)
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if scope["type"] == "http":
                _log_access(status, time.monotonic() - started_at)


def _log_access(status: int, duration_s: float) -> None:
    log = logger.info if status >= 400 else logger.debug
    log("Request served", status=status, duration_ms=round(duration_s * 1000, 1))
