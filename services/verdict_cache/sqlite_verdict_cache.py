"""A verdict cache in an SQLite file. It survives crashes, is bounded in size, and replaces a damaged file."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")

_MAX_VERDICTS: Final = 100_000  # about 20 MB
_LAYOUT: Final = 1  # version of the table; a file with another version is renamed like a damaged one
_BUSY_S: Final = 2.0  # how long to wait while another process writes to the file

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS verdicts (
        number INTEGER PRIMARY KEY,
        picture TEXT NOT NULL,
        revision TEXT NOT NULL,
        is_safe INTEGER NOT NULL CHECK (is_safe IN (0, 1)),
        checked_at REAL NOT NULL,
        UNIQUE (picture, revision)
    ) STRICT
"""


class SqliteVerdictCache:
    """A `VerdictCache`. It opens its file at the first call. A damaged file is renamed to `<name>.damaged`."""

    def __init__(self, path: Path, max_verdicts: int = _MAX_VERDICTS) -> None:
        self._path = path
        self._max_verdicts = max_verdicts
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._is_closed = False
        self._has_complained = False

    def find(self, picture_hash: str, revision: str) -> bool | None:
        question = "SELECT is_safe FROM verdicts WHERE picture = ? AND revision = ?"
        row = self._try(lambda database: database.execute(question, (picture_hash, revision)).fetchone())
        return None if row is None else bool(row[0])

    def keep(self, picture_hash: str, revision: str, *, is_safe: bool) -> None:
        def write(database: sqlite3.Connection) -> None:
            with database:  # one transaction, so a crash leaves all of it or nothing
                database.execute(
                    "INSERT INTO verdicts (picture, revision, is_safe, checked_at) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (picture, revision) DO UPDATE SET is_safe = excluded.is_safe",
                    (picture_hash, revision, int(is_safe), time.time()),
                )
                # Numbers increase with each new verdict, so the oldest verdicts have the smallest ones.
                oldest = "(SELECT max(number) FROM verdicts) - ?"
                database.execute(f"DELETE FROM verdicts WHERE number <= {oldest}", (self._max_verdicts,))

        self._try(write)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._drop()

    # ------------------------------------------------------------------------------------- under the lock

    def _try(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """The result of `work`, or None if the file cannot be used. After damage, `work` is retried on a new file."""
        with self._lock:
            if self._is_closed:
                return None
            try:
                return self._attempt(work)
            except (sqlite3.Error, OSError) as error:
                if not self._has_complained:  # once only: a full disk would otherwise be logged for each picture
                    logger.warning("The cache of verdicts cannot be used at the moment", reason=str(error))
                self._has_complained = True
                self._drop()
                return None

    def _attempt(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            return work(self._open())
        except sqlite3.OperationalError as error:  # locked, full or read-only: the file itself is sound
            if not _is_damage(error):
                raise
        except sqlite3.DatabaseError:
            pass
        self._set_aside()
        return work(self._open())

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=_BUSY_S, check_same_thread=False)
            try:
                _prepare(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _drop(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _set_aside(self) -> None:
        self._drop()
        aside = self._path.with_name(f"{self._path.name}.damaged")
        logger.warning("The cache of verdicts was damaged, so a new one is begun", kept_as=aside.name)
        # First the logs of the damaged file: after a crash in between, a new file must not find and replay them.
        for suffix in ("-wal", "-shm"):
            self._path.with_name(f"{self._path.name}{suffix}").unlink(missing_ok=True)
        self._path.replace(aside)  # replaces an older damaged file, which is only kept for inspection


def _prepare(database: sqlite3.Connection) -> None:
    """Check the file and create the table if there is none.

    Raises:
        sqlite3.DatabaseError: the file is damaged, or is not a verdict cache of this version.
    """
    (layout,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if layout != _LAYOUT and not (layout == 0 and tables == 0):
        raise sqlite3.DatabaseError(f"its layout is {layout}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(
        "PRAGMA synchronous = NORMAL"
    )  # a power cut may lose the last verdicts, but never damages the file
    (health,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if health != "ok":
        raise sqlite3.DatabaseError(health)
    with database:
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA user_version = {_LAYOUT}")


def _is_damage(error: sqlite3.OperationalError) -> bool:
    """SQLite reports some damage as an error in the query: a missing table or column."""
    return "no such" in str(error) or "no column" in str(error)
