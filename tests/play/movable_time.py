"""Time as a server's event loop sees it, for a test to stop and to move: minutes of waiting in no time at all."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.play.harness import PlayServer

MOVABLE_TIME: Final = f"{__name__}:MovableTimeLoop"  # for `play_server(loop=...)`


class MovableTimeLoop(asyncio.SelectorEventLoop):
    """Its time passes like any other's until it is stopped, and never goes back."""

    def __init__(self) -> None:
        self._stopped_at: float | None = None
        self._ahead = 0.0  # of the machine's time
        super().__init__()

    def time(self) -> float:
        return super().time() + self._ahead if self._stopped_at is None else self._stopped_at

    def stop_time(self, *, later_by: float = 0.0) -> None:
        self._stopped_at = self.time() + later_by

    def let_time_pass(self) -> None:
        self._ahead, self._stopped_at = self.time() - super().time(), None


@contextmanager
def stopped_time(server: PlayServer) -> Generator[Callable[[float], None]]:
    """Nothing that waits for a moment goes on in the block, but by the function that this gives: it moves time on by so
    many seconds. What waits for messages or threads goes on as ever."""
    events = server.events
    if not isinstance(events, MovableTimeLoop):
        raise TypeError("The server needs a loop with a movable time.")

    async def stop_time(later_by: float) -> None:
        events.stop_time(later_by=later_by)

    async def let_time_pass() -> None:
        events.let_time_pass()

    server.run(stop_time(0.0))
    try:
        yield lambda seconds: server.run(stop_time(seconds))
    finally:
        server.run(let_time_pass())
