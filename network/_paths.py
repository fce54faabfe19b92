"""Normalises request paths, for the routes and for the access rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES: Final = re.compile(r"/{2,}")
_RAW_SLASHES: Final = re.compile(rb"/{2,}")


def collapse_slashes(path: str) -> str:
    """`path` with each run of slashes replaced by one."""
    return _SLASHES.sub("/", path)


class SlashCollapseMiddleware:
    """Lets `//api/models` find its route. Some clients append a path to an address that ends in a slash."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "//" in scope.get("path", ""):
            scope = {**scope, "path": collapse_slashes(scope["path"])}
            if scope.get("raw_path") is not None:
                scope["raw_path"] = _RAW_SLASHES.sub(b"/", scope["raw_path"])
        await self.app(scope, receive, send)
