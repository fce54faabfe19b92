"""What becomes of replayed passes: something that takes them one by one, and is finished or given up."""

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
        """Complete it; what was made, in a sentence."""
        ...

    def abandon(self) -> None:
        """The replay was broken off: leave nothing behind that looks whole. Idempotent, also after `finish`."""
        ...
