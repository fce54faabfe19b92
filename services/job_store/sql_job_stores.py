"""Opens the jobs of the server's database when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError
from services.job_store.job_store import JobStoreError, JobStoreFault

if TYPE_CHECKING:
    from services.database.shared_database import SharedDatabase
    from services.job_store.job_store import JobStore


class SqlJobStores:
    """A `JobStores`."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    def has_begun(self) -> bool:
        return self._database.has_begun()

    def open(self) -> JobStore:
        from services.job_store.sql_job_store import SqlJobStore  # it takes SQLAlchemy, as the database does

        try:
            return SqlJobStore(self._database.opened())
        except DatabaseError as error:
            raise JobStoreError(JobStoreFault.UNAVAILABLE, str(error)) from error
