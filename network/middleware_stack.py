"""The middleware of the application, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from network._access_middleware import AccessMiddleware
from network._body_limit import BodyLimit, BodyLimitMiddleware
from network._cross_origin import CrossOriginMiddleware
from network._error_boundary import ErrorBoundaryMiddleware
from network._paths import SlashCollapseMiddleware
from network._request_context import RequestContextMiddleware
from network._response_headers import ResponseHeadersMiddleware
from runtime_config.current import Current
from sign_in import NoPeople

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.runtime_config import AccessConfig
    from sign_in import People


__all__ = ["BodyLimit", "network_middleware"]


def network_middleware(
    access: Current[AccessConfig],
    larger_bodies: Current[Mapping[str, BodyLimit]] | None = None,
    *,
    people: People | None = None,
    error_linger_s: float = 0.5,
) -> list[Middleware]:
    """The middleware for `FastAPI(middleware=...)`, outermost first.

    The outer ones add a request id and security headers to refusals and failures too. `larger_bodies` are the limits of
    the paths whose requests may have a body of more than 1 MiB. `people` are asked who has signed in; None: nobody can.
    `error_linger_s` is the time that a desktop client gets to show an error before its connection is closed.
    """
    return [
        Middleware(ResponseHeadersMiddleware),
        Middleware(RequestContextMiddleware),
        Middleware(ErrorBoundaryMiddleware),
        Middleware(SlashCollapseMiddleware),
        # A preflight request carries no token. So CORS comes before access, and answers allowed origins only.
        Middleware(CrossOriginMiddleware, origins=access.part(lambda access: access.allowed_origins)),
        Middleware(AccessMiddleware, access=access, people=people or NoPeople(), error_linger_s=error_linger_s),
        Middleware(BodyLimitMiddleware, larger=larger_bodies or Current(_none_larger)),
    ]


def _none_larger() -> Mapping[str, BodyLimit]:
    return {}
