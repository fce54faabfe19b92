"""Opens the belongings of the server's database when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError
from services.ownership_store.ownership_store import OwnershipStoreError

if TYPE_CHECKING:
    from services.database.shared_database import SharedDatabase
    from services.ownership_store.ownership_store import OwnershipStore


class SqlOwnershipStores:
    """An `OwnershipStores`."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    def open(self) -> OwnershipStore:
        from services.ownership_store.sql_ownership_store import SqlOwnershipStore  # it takes SQLAlchemy

        try:
            return SqlOwnershipStore(self._database.opened())
        except DatabaseError as error:
            raise OwnershipStoreError(str(error)) from error
