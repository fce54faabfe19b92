"""Applies the access policy to HTTP requests and WebSocket handshakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.responses import HTMLResponse, RedirectResponse, Response
from structlog.contextvars import bind_contextvars

from access_rules import VISITOR_SCOPE, network_of
from error_answers import error_body
from error_types import ErrorCode
from network._access_policy import (
    WRONG_TOKEN,
    AccessPolicy,
    AccessRequest,
    Allowed,
    LoggedIn,
    Reader,
    Refused,
    Unidentified,
)
from network._token_page import TOKEN_PAGE_HEADERS, token_page
from network._told_refusal import tell_refusal
from sign_in import (
    CALLER_SCOPE,
    Caller,
    NeverRevoked,
    PeopleUnavailable,
    SignedIn,
    credential_without_account,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from access_rules import Owner, Visitor
    from runtime_config.current import Current
    from runtime_config.runtime_config import AccessConfig
    from sign_in import Credential, Identified, People, Revocation

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class AccessMiddleware:
    """Answers the requests that the policy refuses or logs in, and passes all others on, each with its `Visitor` and
    its `Caller`. `people` says who has signed in, where there are accounts.

    A client that is told on its socket why it may not play gets `error_linger_s` to show it.
    """

    def __init__(self, app: ASGIApp, access: Current[AccessConfig], people: People, error_linger_s: float) -> None:
        self.app = app
        self._error_linger_s = error_linger_s
        self._policy = AccessPolicy(access)
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or CALLER_SCOPE in scope:  # it was let in by a ticket or a link
            await self.app(scope, receive, send)
            return
        request = _as_request(scope)
        match self._policy.decide(request):
            case Allowed(visitor):
                caller = self._caller(request, visitor, credential_without_account(visitor), NeverRevoked())
                await self._pass_on(caller, scope, receive, send)
            case Unidentified(offered, otherwise):
                async with self._people.identified(offered) as identified:
                    await self._serve(identified, otherwise, request, scope, receive, send)
            case LoggedIn(set_cookie):
                await _answer(RedirectResponse("/", 303, {"Set-Cookie": set_cookie}), scope, receive, send)
            case Refused() as refused:
                await self._refuse(refused, scope, receive, send)

    async def _serve(
        self,
        identified: Identified,
        otherwise: Owner | None,
        request: AccessRequest,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve the request of whoever brought a secret."""
        decision = self._policy.settle(request, identified.person if isinstance(identified, SignedIn) else otherwise)
        if isinstance(identified, PeopleUnavailable) and isinstance(decision, Refused):
            decision = Refused(ErrorCode.ACCOUNTS_UNAVAILABLE, identified.message)
        if isinstance(decision, Refused):
            await self._refuse(decision, scope, receive, send)
            return
        if isinstance(identified, SignedIn):
            caller = self._caller(request, decision.visitor, identified.credential, identified.revocation)
        else:
            credential = credential_without_account(decision.visitor)
            caller = self._caller(request, decision.visitor, credential, NeverRevoked())
        await self._pass_on(caller, scope, receive, send)

    def _caller(
        self, request: AccessRequest, visitor: Visitor, credential: Credential, revocation: Revocation
    ) -> Caller:
        return Caller(
            visitor=visitor,
            credential=credential,
            revocation=revocation,
            network=network_of(request.client_host),
            is_local=self._policy.is_local(request),
            is_secure=request.scheme in ("https", "wss"),
        )

    async def _pass_on(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, VISITOR_SCOPE: caller.visitor, CALLER_SCOPE: caller}, receive, send)

    async def _refuse(self, refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
        _log_refusal(scope, refused.status, refused.code)
        if refused.reader is Reader.DESKTOP_CLIENT:
            await tell_refusal(refused, self._error_linger_s, scope, receive, send)
        else:
            await _answer(_refusal(refused, scope["path"]), scope, receive, send)


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
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


def _refusal(refused: Refused, path: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    if refused.reader is Reader.PERSON:
        page = token_page(refused.message if refused == WRONG_TOKEN else None)
        return HTMLResponse(page, refused.status, {**TOKEN_PAGE_HEADERS, **(headers or {})})
    body = error_body(path, refused.code, refused.message)
    return Response(body, refused.status, headers, "application/json")
