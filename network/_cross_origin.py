"""Answers to pages of other origins, for those that are allowed at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from runtime_config.current import Current


class CrossOriginMiddleware:
    """Starlette's, made anew whenever other origins are allowed."""

    def __init__(self, app: ASGIApp, origins: Current[tuple[str, ...]]) -> None:
        self.app = app
        self._origins = origins
        self._allowed = origins.now
        self._answering = self._for(self._allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._origins.now
        if allowed != self._allowed:
            self._allowed, self._answering = allowed, self._for(allowed)
        await self._answering(scope, receive, send)

    def _for(self, allowed: tuple[str, ...]) -> CORSMiddleware:
        return CORSMiddleware(
            self.app,
            allow_origins=allowed,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
            allow_credentials=True,
            expose_headers=["ETag"],
        )
