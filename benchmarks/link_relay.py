"""A relay between a client and a server that behaves like a slower link: rate, delay, jitter, and its loss."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

_CHUNK: Final = 4096  # bytes that travel together
_BUFFER_BYTES: Final = 64 * 1024  # of each socket, and of the queue before the slow part, as in a router


@dataclass(frozen=True, slots=True)
class LinkShape:
    """Bits a second towards the client; seconds of delay each way, and how much that varies at most."""

    bit_s: float
    delay_s: float
    jitter_s: float = 0.0


class LinkRelay:
    """Listens on `port` of loopback within the block. What goes to the server is delayed, but not slowed down.

    Bytes keep their order, so a late one holds up those behind it, as TCP does after a loss.
    """

    def __init__(self, server_port: int, shape: LinkShape) -> None:
        self._server_port = server_port
        self._shape = shape
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self.port: int = self._listener.getsockname()[1]
        self._events = asyncio.new_event_loop()
        self._ways: set[asyncio.Task[None]] = set()  # two for each connection
        self._thread = threading.Thread(target=self._run, name="link-relay")

    def __enter__(self) -> LinkRelay:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._events.call_soon_threadsafe(self._events.stop)
        self._thread.join()

    def cut(self) -> None:
        """Lose every connection, as when a network goes away. New ones may be made."""
        self._events.call_soon_threadsafe(self._cancel_ways)

    def _cancel_ways(self) -> None:
        for way in self._ways:
            way.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._events)
        server = self._events.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._events.run_forever()
        server.close()
        self._cancel_ways()
        rest = asyncio.all_tasks(self._events)
        self._events.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        self._events.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        upstream = socket.socket()
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)  # before connecting, or it is ignored
        upstream.settimeout(0)
        await self._events.sock_connect(upstream, ("127.0.0.1", self._server_port))
        server, to_server = await asyncio.open_connection(sock=upstream, limit=_BUFFER_BYTES)
        ways = {
            asyncio.create_task(self._carry(client, to_server, bit_s=float("inf"))),
            asyncio.create_task(self._carry(server, to_client, bit_s=self._shape.bit_s)),
        }
        self._ways |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self._ways -= ways
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for writer in (to_client, to_server):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, bit_s: float) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(self._arrive(on_the_way, writer))
        free_at, last_due = self._events.time(), 0.0
        jitter = random.Random(7)
        try:
            while data := await reader.read(_CHUNK):
                free_at = max(free_at, self._events.time()) + len(data) * 8 / bit_s
                await asyncio.sleep(free_at - self._events.time() - _BUFFER_BYTES * 8 / bit_s)  # the queue is full
                delay_s = self._shape.delay_s + jitter.uniform(0.0, self._shape.jitter_s)
                last_due = max(last_due, free_at + delay_s)
                on_the_way.put_nowait((last_due, data))
        finally:
            arriving.cancel()

    async def _arrive(self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await on_the_way.get()
            await asyncio.sleep(due - self._events.time())
            writer.write(data)
            await writer.drain()
