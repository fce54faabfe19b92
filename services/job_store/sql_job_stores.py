"""Opens the jobs of the data folder, or of the database whose address the settings give, when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError, DatabaseFault
from services.job_store.job_store import JobStoreError, JobStoreFault

if TYPE_CHECKING:
    from pathlib import Path

    from services.job_store.job_store import JobStore


class SqlJobStores:
    """A `JobStores`. `url` is the address of a database server; None: `file`, which is created when needed."""

    def __init__(self, file: Path, url: str | None = None) -> None:
        self._file = file
        self._url = url
        self._refusal: DatabaseError | None = None

    def has_begun(self) -> bool:
        return self._url is not None or self._file.exists()

    def open(self) -> JobStore:
        if self._refusal is not None:
            raise _unavailable(self._refusal)
        # SQLAlchemy and Alembic take a third of a second and some 30 MB, which a server without jobs does not pay.
        from services.database.sql_database import SqlDatabase, sqlite_url
        from services.job_store.sql_job_store import SqlJobStore

        try:
            return SqlJobStore(SqlDatabase(self._url or sqlite_url(self._file)))
        except DatabaseError as error:
            if error.fault in (DatabaseFault.NEWER, DatabaseFault.NOT_UPGRADED):  # it will be no other in this run
                self._refusal = error
            raise _unavailable(error) from error


def _unavailable(error: DatabaseError) -> JobStoreError:
    return JobStoreError(JobStoreFault.UNAVAILABLE, str(error))
