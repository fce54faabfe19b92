"""The middleware of the application, in order."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from network._access_middleware import AccessMiddleware
from network._body_limit import BodyLimit, BodyLimitMiddleware
from network._error_boundary import ErrorBoundaryMiddleware
from network._paths import SlashCollapseMiddleware
from network._request_context import RequestContextMiddleware
from network._response_headers import ResponseHeadersMiddleware
from sign_in import NoPeople

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.runtime_config import AccessConfig
    from sign_in import People


_NO_LARGER_BODIES: Final[Mapping[str, BodyLimit]] = MappingProxyType({})

__all__ = ["BodyLimit", "network_middleware"]


def network_middleware(
    access: AccessConfig, larger_bodies: Mapping[str, BodyLimit] = _NO_LARGER_BODIES, people: People | None = None
) -> list[Middleware]:
    """The middleware for `FastAPI(middleware=...)`, outermost first.

    The outer ones add a request id and security headers to refusals and failures too. `larger_bodies` are the limits of
    the paths whose requests may have a body of more than 1 MiB. `people` are asked who has signed in; None: nobody can.
    """
    return [
        Middleware(ResponseHeadersMiddleware),
        Middleware(RequestContextMiddleware),
        Middleware(ErrorBoundaryMiddleware),
        Middleware(SlashCollapseMiddleware),
        # A preflight request carries no token. So CORS comes before access, and answers allowed origins only.
        Middleware(
            CORSMiddleware,
            allow_origins=access.allowed_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            allow_credentials=True,
        ),
        Middleware(AccessMiddleware, access=access, people=people or NoPeople()),
        Middleware(BodyLimitMiddleware, larger=larger_bodies),
    ]
