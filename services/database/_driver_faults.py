"""What errors of a database mean: SQLite's by the names that it gives them, PostgreSQL's by their SQLSTATE."""

from __future__ import annotations

import sqlite3
from typing import Final, TypeAlias

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.database.database_error import DatabaseError, DatabaseFault

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


_LOCK_NOT_AVAILABLE: Final = "55P03"  # after `lock_timeout`


class DamagedError(Exception):
    """SQLite's own check found the file damaged, which not every damage makes it raise."""


DriverError: TypeAlias = DBAPIError | sqlite3.Error | DamagedError | PoolTimeoutError
DRIVER_ERRORS: Final = (DBAPIError, sqlite3.Error, DamagedError, PoolTimeoutError)


def told(error: DriverError) -> DatabaseError:
    """The same in a sentence."""
    if isinstance(error, PoolTimeoutError):
        message = "The database does not answer what it was asked before. Try again in a while."
        return DatabaseError(DatabaseFault.BUSY, message)
    match _name(error):
        case name if name.startswith("SQLITE_FULL"):
            return DatabaseError(DatabaseFault.FULL, "The disk with the data folder is full, so nothing was changed.")
        case name if name == _LOCK_NOT_AVAILABLE:
            message = "Other servers keep the database locked, so nothing was changed. Try again in a while."
            return DatabaseError(DatabaseFault.BUSY, message)
        case name if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            message = "Another program keeps the database locked. Try again when it has ended."
            return DatabaseError(DatabaseFault.BUSY, message)
        case _:
            logger.error("The database failed", exc_info=error)
            message = "The database cannot be used; the server's log has the details."
            return DatabaseError(DatabaseFault.UNREACHABLE, message)


def is_damaged(error: DriverError) -> bool:
    return isinstance(error, DamagedError) or _name(error).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def is_of_the_moment(error: BaseException) -> bool:
    """Whether a lock, a full disk or a lost connection is all that was in the way."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    of_the_moment = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED", _LOCK_NOT_AVAILABLE)
    return isinstance(error, DRIVER_ERRORS) and _name(error).startswith(of_the_moment)


def _name(error: DriverError) -> str:
    """Such as SQLITE_BUSY or 55P03; empty where the driver tells none. SQLAlchemy has its error inside."""
    cause = getattr(error, "orig", error)
    return str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
