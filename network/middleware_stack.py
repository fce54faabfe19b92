"""The order of the network's middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from network._access_middleware import AccessMiddleware
from network._error_boundary import ErrorBoundaryMiddleware
from network._paths import SlashCollapseMiddleware
from network._request_context import RequestContextMiddleware
from network._response_headers import ResponseHeadersMiddleware

if TYPE_CHECKING:
    from runtime_config.runtime_config import AccessConfig


def network_middleware(access: AccessConfig) -> list[Middleware]:
    """Outermost first, for `FastAPI(middleware=...)`: refusals and failures have an id and the headers as well."""
    return [
        Middleware(ResponseHeadersMiddleware),
        Middleware(RequestContextMiddleware),
        Middleware(ErrorBoundaryMiddleware),
        Middleware(SlashCollapseMiddleware),
        # A preflight carries no token: it is answered before the token is asked for, to allowed origins alone.
        Middleware(
            CORSMiddleware,
            allow_origins=access.allowed_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            allow_credentials=True,
        ),
        Middleware(AccessMiddleware, access=access),
    ]
