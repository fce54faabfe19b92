"""Applies the access policy to HTTP requests and WebSocket handshakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import HTMLResponse, RedirectResponse, Response
from structlog.contextvars import bind_contextvars

from access_rules import VISITOR_SCOPE
from api_types import ErrorResponse
from network._access_policy import AccessPolicy, AccessRequest, Allowed, LoggedIn, Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from error_types import ErrorCode
    from runtime_config.current import Current
    from runtime_config.runtime_config import AccessConfig

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# The link is for people who came from another site: on that visit the browser does not send the new cookie yet.
_LOGIN_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Terrarium: token needed</title>
<h1>This server asks for a token</h1>
<p>Open <code>/?token=</code> followed by the token that the server was started with. The browser will remember it.</p>
<p>Just logged in? <a href="/">Continue</a>.</p>
</html>
"""


class AccessMiddleware:
    """Answers the requests that the policy refuses or logs in, and passes all others on, each with its `Visitor`."""

    def __init__(self, app: ASGIApp, access: Current[AccessConfig]) -> None:
        self.app = app
        self._policy = AccessPolicy(access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        decision = self._policy.decide(_as_request(scope))
        match decision:
            case Allowed(visitor):
                await self.app({**scope, VISITOR_SCOPE: visitor}, receive, send)
                return
            case LoggedIn(set_cookie):
                response: Response = RedirectResponse("/", 303, {"Set-Cookie": set_cookie})
            case Refused(status=status, code=code):
                _log_refusal(scope, status, code)
                response = _refusal(decision)
        response.headers["Cache-Control"] = "no-store"
        if scope["type"] == "websocket":
            await receive()
            if "websocket.http.response" not in scope.get("extensions", {}):
                # The server lacks the response extension. Closing before accepting makes it answer 403.
                await send({"type": "websocket.close", "code": 1008})
                return
        await response(scope, receive, send)


def _log_refusal(scope: Scope, status: int, code: ErrorCode) -> None:
    if scope["type"] == "http":
        bind_contextvars(code=code.value)  # the access event of this request will contain it
    else:
        logger.info("Handshake refused", status=status, code=code.value)


def _as_request(scope: Scope) -> AccessRequest:
    server, client = scope.get("server"), scope.get("client")
    return AccessRequest(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        scheme=scope.get("scheme", "http"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        server_host=None if server is None else server[0],
        client_host=None if client is None else client[0],
    )


def _refusal(refused: Refused) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    if refused.for_browser:
        return HTMLResponse(_LOGIN_PAGE, refused.status, headers)
    body = ErrorResponse(code=refused.code.value, message=refused.message).model_dump_json()
    return Response(body, refused.status, headers, "application/json")
