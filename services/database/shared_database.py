"""The server's one database: the file in the data folder, or the address that the settings give."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from services.database.sql_database import SqlDatabase


class SharedDatabase:
    """All stores share it, so that they write one after the other. Whichever needs it first opens it.

    `url` is the address of a database server; None: `file`, which is created when it is opened.
    """

    def __init__(self, file: Path, url: str | None = None) -> None:
        self._file = file
        self._url = url
        self._opening = threading.Lock()
        self._database: SqlDatabase | None = None

    def has_begun(self) -> bool:
        """Whether anything may have been kept there. It is quick."""
        return self._url is not None or self._file.exists()

    def opened(self) -> SqlDatabase:
        """Blocks while it is opened; the next call tries again what failed. Raises: DatabaseError."""
        with self._opening:
            if self._database is None:
                # SQLAlchemy and Alembic take a third of a second and some 30 MB, which only those pay who need them.
                from services.database.sql_database import SqlDatabase, sqlite_url

                self._database = SqlDatabase(self._url or sqlite_url(self._file))
            return self._database

    def close(self) -> None:
        """Idempotent. What is asked for afterwards connects again."""
        with self._opening:
            if self._database is not None:
                self._database.close()
