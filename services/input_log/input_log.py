"""What an input log is: a file of the lines of one stretch of play, with the pictures that they name beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.input_log.lines import LogLine, SessionStart
    from services.world_engine.world_engine import Picture, WorldSnapshot


class InputLog(Protocol):
    """A log that is being written, by another thread. Every method returns at once and never raises.

    A log that cannot keep up, or whose disk fails, ends there and says so; it has no gaps.
    """

    @property
    def id(self) -> str:
        """Names the log among all of its folder."""
        ...

    def write(self, line: LogLine) -> None: ...

    def keep_picture(self, picture: Picture) -> None:
        """Save a picture that a line names beside the log. The caller must not change the array afterwards."""
        ...

    def keep_snapshot(self, snapshot: WorldSnapshot) -> None: ...

    def end(self) -> None:
        """End the log; later lines are not written. A log without a single pass is removed."""
        ...


class InputLogs(Protocol):
    """Safe to call from several threads."""

    def start(self, first: SessionStart) -> InputLog:
        """Begin a log. Returns at once."""
        ...

    def close(self, timeout_s: float) -> None:
        """Write the lines that still wait, for at most `timeout_s`. Idempotent."""
        ...
