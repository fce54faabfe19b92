"""The browser client's files, and nothing else of its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    import os

    from starlette.responses import Response
    from starlette.types import Scope

_SERVED = frozenset({".html", ".css", ".js", ".svg", ".png", ".webmanifest"})
_KEPT_BACK = frozenset({"node_modules", "tests"})


class PageFiles(StaticFiles):
    """Static files that a browser may ask for: no tests, no tools, no declarations for the type checker."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        asked = PurePosixPath(path.replace("\\", "/"))
        served = asked.suffix in _SERVED or path in ("", ".")
        if not served or _KEPT_BACK & set(asked.parts):
            return "", None
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # Checked with the server each time: after an update nobody plays with half of the old page.
        response.headers["Cache-Control"] = "no-cache"
        return response
