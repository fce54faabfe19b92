"""A proxy that ends event streams after a moment, as some do: whoever reads an answer to its end gets it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOMENT_S: Final = 0.2


class ShortStreams:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_stream = asyncio.Event()

        async def watch(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name == b"content-type"]
                if any(kind.startswith(b"text/event-stream") for kind in kinds):
                    is_stream.set()

        answering = asyncio.ensure_future(self._app(scope, receive, watch))
        streaming = asyncio.ensure_future(is_stream.wait())
        try:
            await asyncio.wait({answering, streaming}, return_when=asyncio.FIRST_COMPLETED)
            if is_stream.is_set():
                await asyncio.wait({answering}, timeout=_MOMENT_S)
        finally:
            streaming.cancel()
        if answering.done():
            await answering
            return
        answering.cancel()
        await asyncio.wait({answering})
        await send({"type": "http.response.body", "body": b""})
