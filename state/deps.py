"""How routes reach the handler: through the app of their own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection
from starlette.responses import Response

from access_rules import VISITOR_SCOPE, Visitor
from error_types import DomainError, ErrorCode
from sign_in import CALLER_SCOPE, Caller

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app_handler import AppHandler


def attach_state_service(app: FastAPI, handler: AppHandler) -> None:
    app.state.handler = handler


async def get_state_service(connection: HTTPConnection) -> AppHandler:
    """The `AppHandler` behind this request. Asynchronous, as FastAPI would else fetch it through a worker thread.

    Raises:
        DomainError: the app has none (yet).
    """
    handler: AppHandler | None = getattr(connection.app.state, "handler", None)
    if handler is None:
        raise DomainError("The server is not ready.", ErrorCode.SERVICE_UNAVAILABLE)
    return handler


async def get_visitor(connection: HTTPConnection) -> Visitor:
    """Who asks, as the access policy found."""
    visitor: Visitor = connection.scope[VISITOR_SCOPE]
    return visitor


async def get_caller(connection: HTTPConnection) -> Caller:
    """Who asks, with what, and from where."""
    caller: Caller = connection.scope[CALLER_SCOPE]
    return caller


async def forbid_keeping(response: Response) -> None:
    """What is secret, or soon out of date, is kept by no browser and no proxy."""
    response.headers["Cache-Control"] = "no-store"
