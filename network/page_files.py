"""Serves the files of the browser client, and nothing else in its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    import os

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

_SERVED = frozenset({".html", ".css", ".js", ".svg", ".png", ".webmanifest"})
_KEPT_BACK = frozenset({"node_modules", "tests"})


class PageFiles(StaticFiles):
    """Serves the static files that a browser needs, but no tests, tools or type declarations."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The files are small, and Starlette refuses some ranges that HTTP has a server ignore.
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        asked = PurePosixPath(path.replace("\\", "/"))
        served = asked.suffix in _SERVED or path in ("", ".")
        if not served or _KEPT_BACK & set(asked.parts):
            return "", None
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # The browser checks each file with the server, so after an update nobody gets a mixture of old and new files.
        response.headers["Cache-Control"] = "no-cache"
        if "accept-ranges" in response.headers:
            response.headers["Accept-Ranges"] = "none"
        return response
