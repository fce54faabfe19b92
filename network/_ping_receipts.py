"""Read receipts by WebSocket pings: a ping follows a message, and its pong arrives once the message was read."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RECEIPT: Final = struct.Struct("<4sQ")
_MARK: Final = b"read"


class PingReceipts:
    """Tells how far the peer has read, because its own buffers can hold megabytes that no socket option here bounds.

    A peer may answer only the newest of several pings (RFC 6455, 5.5.3), so a receipt confirms all earlier ones.
    """

    def __init__(self, send_ping: Callable[[bytes], None]) -> None:
        self._send_ping: Callable[[bytes], None] | None = send_ping
        self._listener: Callable[[int], None] | None = None

    def listen(self, listener: Callable[[int], None]) -> None:
        self._listener = listener

    def ask(self, number: int) -> None:
        if self._send_ping is not None:
            self._send_ping(_RECEIPT.pack(_MARK, number))

    def end(self) -> None:
        """The connection is lost: no receipt will come."""
        self._send_ping = self._listener = None

    def take(self, payload: bytes) -> bool:
        """Handle the payload of a pong. True: it was a receipt, and the listener was called."""
        if len(payload) != _RECEIPT.size or not payload.startswith(_MARK):
            return False
        if self._listener is not None:
            self._listener(_RECEIPT.unpack(payload)[1])
        return True
