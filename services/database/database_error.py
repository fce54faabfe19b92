"""What can be wrong with the database, in sentences for the person who runs the server."""

from __future__ import annotations

from enum import StrEnum


class DatabaseFault(StrEnum):
    NEWER = "newer"  # made by a newer version of Terrarium; it was left as it is
    NOT_UPGRADED = "notUpgraded"  # bringing it to the layout of this version failed; it was left as it is
    BUSY = "busy"  # another process writes to it for longer than we wait
    FULL = "full"  # no room on the disk
    UNREACHABLE = "unreachable"  # it cannot be opened, or its server does not answer


class DatabaseError(RuntimeError):
    """`str()` is a sentence; the transaction in which it was raised has changed nothing."""

    def __init__(self, fault: DatabaseFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
