"""Read receipts by WebSocket pings: the pong to a ping behind a message comes when the message was read."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RECEIPT: Final = struct.Struct("<4sQ")
_MARK: Final = b"read"


class PingReceipts:
    """What waits in the peer's own buffers, megabytes on a fast link, is bounded by no option of our socket.

    A peer may answer the newest of several pings alone (RFC 6455, 5.5.3), so that a receipt stands for all before it.
    """

    def __init__(self, send_ping: Callable[[bytes], None]) -> None:
        self._send_ping = send_ping
        self._listener: Callable[[int], None] | None = None

    def listen(self, listener: Callable[[int], None]) -> None:
        self._listener = listener

    def ask(self, number: int) -> None:
        self._send_ping(_RECEIPT.pack(_MARK, number))

    def take(self, payload: bytes) -> bool:
        """Whether the payload of a pong is that of a receipt."""
        if len(payload) != _RECEIPT.size or not payload.startswith(_MARK):
            return False
        if self._listener is not None:
            self._listener(_RECEIPT.unpack(payload)[1])
        return True
