"""What no route answers: the page's files, and methods that HTTP has a rule for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute
    from starlette.types import Message, Receive, Scope, Send

    from network.page_files import PageFiles

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class UnmatchedRequests:
    """Answers what none of `routes` does, by what they say of the other methods of a path.

    HEAD is GET without its body. OPTIONS tells the methods. Any other method is refused with 405 and the methods that
    there are, or with 404 where there are none. Starlette itself would tell the methods of one route of a path only.
    """

    def __init__(self, routes: Sequence[BaseRoute], page: PageFiles) -> None:
        self._routes = routes
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._page(scope, receive, send)
            return
        method = scope["method"]
        declared = {name for name in _METHODS if self._match(scope, name) is not None}
        if method == "HEAD" and "GET" in declared:
            await self._answer_head(scope, receive, send)
            return
        if not declared:
            if method in ("GET", "HEAD"):
                await self._page(scope, receive, send)
                return
            await self._page.get_response(self._page.get_path(scope), {**scope, "method": "HEAD"})  # 404 if it has none
            declared = {"GET"}
        implied = {"OPTIONS", "HEAD"} if "GET" in declared else {"OPTIONS"}
        headers = {"Allow": ", ".join(sorted(declared | implied))}
        if method != "OPTIONS":
            raise HTTPException(405, headers=headers)
        await Response(status_code=204, headers=headers)(scope, receive, send)

    def _match(self, scope: Scope, method: str) -> tuple[BaseRoute, Scope] | None:
        """The route for `method`, and the scope that it is to be given."""
        asked = {**scope, "method": method}
        for route in self._routes:
            match, found = route.matches(asked)
            if match is Match.FULL:
                return route, {**asked, **found}
        return None

    async def _answer_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        matched = self._match(scope, "GET")
        assert matched is not None
        route, found = matched

        async def send_no_body(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            elif not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await route.handle(found, receive, send_no_body)
        finally:
            scope["route"] = found.get("route")  # which the metrics count by
