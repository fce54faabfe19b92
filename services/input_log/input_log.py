"""What an input log is: the lines of one stretch of play in, a file and the pictures it names out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.input_log.lines import LogLine, SessionStart
    from services.world_engine.world_engine import Picture, WorldSnapshot


class InputLog(Protocol):
    """One file on its way. Every method returns at once and never raises: writing goes on beside.

    A log that cannot keep up, or whose disk fails, ends there and says so; it has no gaps.
    """

    @property
    def id(self) -> str:
        """Names the log among all of its folder."""
        ...

    def write(self, line: LogLine) -> None: ...

    def keep_picture(self, picture: Picture) -> None:
        """Lay a picture that a line names beside the log. The array must not be written to any more."""
        ...

    def keep_snapshot(self, snapshot: WorldSnapshot) -> None: ...

    def end(self) -> None:
        """What comes after this is not written. A log without a single pass is removed."""
        ...


class InputLogs(Protocol):
    """Safe to call from several threads."""

    def start(self, first: SessionStart) -> InputLog:
        """Begin a log. Returns at once."""
        ...

    def close(self, timeout_s: float) -> None:
        """Write what waits, at most `timeout_s` long. Idempotent."""
        ...
