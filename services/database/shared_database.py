"""The server's one database: the file in the data folder, or the address that the settings give."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from services.database.database_error import DatabaseError, DatabaseFault

if TYPE_CHECKING:
    from pathlib import Path

    from services.database.sql_database import SqlDatabase


_LASTING: Final = (DatabaseFault.NEWER, DatabaseFault.NOT_UPGRADED)  # it will be no other in this run


class SharedDatabase:
    """All stores share it, so that they write one after the other. Whichever needs it first opens it.

    `url` is the address of a database server; None: `file`, which is created when it is opened.
    """

    def __init__(self, file: Path, url: str | None = None) -> None:
        self._file = file
        self._url = url
        self._opening = threading.Lock()
        self._database: SqlDatabase | None = None
        self._refusal: DatabaseError | None = None

    def has_begun(self) -> bool:
        """Whether anything may have been kept there. It is quick."""
        return self._url is not None or self._file.exists()

    def opened(self) -> SqlDatabase:
        """Blocks while it is opened. The next call tries again what failed, but an upgrade.

        Raises: DatabaseError.
        """
        with self._opening:
            if self._refusal is not None:
                raise DatabaseError(self._refusal.fault, str(self._refusal))
            if self._database is None:
                self._database = self._open()
            return self._database

    def _open(self) -> SqlDatabase:
        # SQLAlchemy and Alembic take a third of a second and some 30 MB, which only those pay who need them.
        from services.database.sql_database import SqlDatabase, sqlite_url

        try:
            return SqlDatabase(self._url or sqlite_url(self._file))
        except DatabaseError as error:
            if error.fault in _LASTING:
                self._refusal = error
            raise

    def close(self) -> None:
        """Idempotent. What is asked for afterwards connects again."""
        with self._opening:
            if self._database is not None:
                self._database.close()
