"""What a sink is: it takes replayed passes one by one, and is finished or abandoned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from replay.player import ReplayedPass
    from services.world_engine.world_engine import Picture


class Sink(Protocol):
    """Raises `ReplayError` where it cannot go on."""

    def begin(self, picture: Picture) -> None:
        """What the world looked like before the first pass."""
        ...

    def take(self, replayed: ReplayedPass) -> None: ...

    def finish(self) -> str:
        """Complete the output; returns a sentence that says what was made."""
        ...

    def abandon(self) -> None:
        """The replay was interrupted: leave no output that looks complete. Idempotent; harmless after `finish`."""
        ...
