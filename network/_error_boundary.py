"""Handles exceptions that nothing else has handled: logs them once, and answers without revealing details."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from error_answers import error_body
from error_types import ErrorCode
from logging_policy import log_unhandled

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MESSAGE = "Something went wrong in the server. Its log has the details under the id of this request."


class ErrorBoundaryMiddleware:
    """Answers with status 500, or closes the WebSocket with 1011. It raises nothing, so errors are logged once."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        last_sent = ""

        async def remember(message: Message) -> None:
            nonlocal last_sent
            last_sent = message["type"]
            await send(message)

        try:
            await self.app(scope, receive, remember)
        except Exception as exc:  # noqa: BLE001 -- the outermost place that can handle it
            if _is_disconnect(exc):
                logger.debug("The peer disconnected")
                return
            log_unhandled(exc)
            with suppress(ClientDisconnected):
                await _answer(scope, receive, send, last_sent)


def _is_disconnect(exc: BaseException) -> bool:
    """Whether nothing else went wrong than that the peer has left. Tasks of an event stream tell it as a group."""
    if isinstance(exc, BaseExceptionGroup):
        within = cast("BaseExceptionGroup[BaseException]", exc).exceptions
        return all(_is_disconnect(inner) for inner in within)
    return isinstance(exc, (ClientDisconnect, ClientDisconnected, WebSocketDisconnect))


async def _answer(scope: Scope, receive: Receive, send: Send, last_sent: str) -> None:
    if scope["type"] == "websocket":
        if last_sent != "websocket.close":
            await send({"type": "websocket.close", "code": 1011, "reason": "internal error"})
    elif not last_sent:
        body = error_body(scope["path"], ErrorCode.INTERNAL, _MESSAGE)
        await Response(body, 500, media_type="application/json")(scope, receive, send)
