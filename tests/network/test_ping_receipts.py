"""Read receipts over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.sync.client import connect

from network._ping_receipts import PingReceipts
from services.read_receipts.read_receipts import SCOPE_EXTENSION
from tests.network.live_server import serving
from tests.waiting import deadline_s, wait_until

BIG = bytes(256 * 1024)


def test_the_receipt_comes_when_the_peer_has_read_and_not_before() -> None:
    """A peer with a full queue reads neither the message nor the ping behind it."""
    told: asyncio.Queue[int] = asyncio.Queue()
    behind: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        receipts = scope["extensions"][SCOPE_EXTENSION]
        receipts.listen(told.put_nowait)
        newest = -1
        for number in range(32):
            await send({"type": "websocket.send", "bytes": BIG})
            receipts.ask(number)
            while not told.empty():
                newest = told.get_nowait()
            behind.append(number - newest)
        while newest < 31:
            newest = await told.get()
        await send({"type": "websocket.send", "text": "all read"})
        await receive()

    with serving(app) as server, connect(f"ws://127.0.0.1:{server.port}/", max_queue=2, compression=None) as peer:
        wait_until(lambda: bool(behind) and behind[-1] >= 2, "messages wait that the peer has not read")
        assert [peer.recv(timeout=deadline_s()) for _ in range(33)][-1] == "all read"


def test_other_pongs_are_left_to_others() -> None:
    pings: list[bytes] = []
    receipts = PingReceipts(pings.append)
    receipts.ask(7)
    heard: list[int] = []
    assert receipts.take(pings[0])  # nobody listens yet
    receipts.listen(heard.append)
    assert receipts.take(pings[0])
    for foreign in (b"", b"read", b"\0" * 4, b"x" * 12):
        assert not receipts.take(foreign)
    assert heard == [7]
