"""What one server of a fleet lets in at an address of its own: players with a ticket, and watchers with a link.

Both are the permission itself: somebody who was let in at the address of the fleet has been given it. So neither the
host and the origin of a request are looked at here, nor cookies and tokens.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from access_rules import VISITOR_SCOPE, Anonymous, network_of
from api_types import ErrorResponse
from error_types import DomainError, ErrorCode
from network._access_policy import Refused
from network._paths import collapse_slashes
from network._told_refusal import tell_refusal
from sign_in import CALLER_SCOPE, DIRECT_SCOPE, Caller, Direct, NeverRevoked, NoCredential

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sign_in import Tickets

_LINGER_S: Final = 1.0  # whoever has a ticket shows an error also when it is followed by the close


class DirectDoor:
    """`app` is the whole server's; of it, the sockets /ws and /watch are reached here."""

    def __init__(self, app: ASGIApp, tickets: Tickets) -> None:
        self._app = app
        self._tickets = tickets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match (scope["type"], collapse_slashes(scope.get("path", ""))):
            case ("websocket", "/ws"):
                await self._serve_player(scope, receive, send)
            case ("websocket", "/watch"):
                caller = _by_link(scope)
                await self._app(_known(scope, caller, Direct()), receive, send)
            case _:
                await _nothing_here()(scope, receive, send)

    async def _serve_player(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as stack:
            try:
                ticket = HTTPConnection(scope).query_params.get("ticket", "")
                entrant = stack.enter_context(self._tickets.admitted(ticket))
            except DomainError as error:
                await tell_refusal(Refused(error.code, error.message), _LINGER_S, scope, receive, send)
                return
            await self._app(_known(scope, entrant.caller, Direct(entrant.session_id)), receive, send)


def _known(scope: Scope, caller: Caller, direct: Direct) -> Scope:
    return {**scope, VISITOR_SCOPE: caller.visitor, CALLER_SCOPE: caller, DIRECT_SCOPE: direct}


def _by_link(scope: Scope) -> Caller:
    client = scope.get("client")
    network = network_of(None if client is None else client[0])
    return Caller(
        visitor=Anonymous(network),
        credential=NoCredential(),
        revocation=NeverRevoked(),
        network=network,
        is_local=False,
        is_secure=scope.get("scheme") == "wss",
    )


def _nothing_here() -> Response:
    message = "Here one server of a fleet is reached by those who were sent to it. Use the address of the fleet."
    body = ErrorResponse(code=ErrorCode.NOT_FOUND, message=message).model_dump()
    return JSONResponse(body, 404, {"Cache-Control": "no-store"})
