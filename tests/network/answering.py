"""A small application for raw peers, and what they ask of it."""

from __future__ import annotations

import asyncio
import queue
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import ClientDisconnected

from tests.waiting import deadline_s

if TYPE_CHECKING:
    from tests.network.raw_peer import RawPeer


class Answering:
    """Reads each request whole and answers it; tells the test what it saw. `go` holds up what `/wait` asks for."""

    def __init__(self) -> None:
        self.seen: queue.Queue[Any] = queue.Queue()
        self.go = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.loop = asyncio.get_running_loop()
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            self.seen.put((await receive())["type"])
            return
        if scope["path"] == "/big":
            await self._answer_at_length(send)
            return
        if scope["path"] == "/refused":
            self.seen.put("refused")
            await answer(send, b"no", close=True)
            return
        if scope["path"] == "/ignored":
            await answer(send, b"done")
            return
        if scope["path"] == "/wait":
            self.seen.put("waits")
            await self.go.wait()
        await self._read_and_answer(receive, send)

    async def _read_and_answer(self, receive: Any, send: Any) -> None:
        size, message = 0, {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                self.seen.put("gone")
                return
            size += len(message["body"])
        await answer(send, str(size).encode())

    async def _answer_at_length(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.seen.put("begun")
        try:
            while True:
                await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        except ClientDisconnected:
            self.seen.put("gone")
            raise

    def next(self) -> Any:
        return self.seen.get(timeout=deadline_s())

    def release(self) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.go.set)


async def answer(send: Any, body: bytes, *, close: bool = False) -> None:
    headers = [(b"content-length", str(len(body)).encode()), *([(b"connection", b"close")] if close else [])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def ask(peer: RawPeer, path: str = "/") -> None:
    peer.send(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n")


def post(peer: RawPeer, size: int, path: str = "/", *more: str) -> None:
    """Only the head."""
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {size}", *more, "", ""]
    peer.send("\r\n".join(lines))
