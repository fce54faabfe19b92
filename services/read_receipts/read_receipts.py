"""The interface of read receipts: the transport of a connection reports how far its peer has read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE_EXTENSION: Final = "terrarium.read_receipts"  # the key in the ASGI scope's `extensions`


class ReadReceipts(Protocol):
    """The read receipts of one connection."""

    def listen(self, listener: Callable[[int], None]) -> None:
        """Call `listener` on the event loop with the number of each receipt that arrives."""
        ...

    def ask(self, number: int) -> None:
        """Request the receipt `number` (64 bits). It arrives once the peer has read everything sent before this call.

        A receipt also confirms all receipts with smaller numbers.
        """
        ...
