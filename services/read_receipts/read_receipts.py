"""What read receipts are: word from a connection's transport of what its peer has read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE_EXTENSION: Final = "terrarium.read_receipts"  # where in the ASGI scope a transport that has them puts them


class ReadReceipts(Protocol):
    """Of one connection."""

    def listen(self, listener: Callable[[int], None]) -> None:
        """Have `listener` called with the number of each receipt that comes, on the event loop."""
        ...

    def ask(self, number: int) -> None:
        """Ask for the receipt `number` (64 bits) of everything that was sent until now.

        A receipt stands for all those with smaller numbers too.
        """
        ...
