"""Opens the people of the server's database when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.account_store.account_store import AccountFault, AccountStoreError
from services.database.database_error import DatabaseError

if TYPE_CHECKING:
    from services.account_store.account_store import AccountStore
    from services.database.shared_database import SharedDatabase


class SqlAccountStores:
    """An `AccountStores`."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    def open(self) -> AccountStore:
        from services.account_store.sql_account_store import SqlAccountStore  # it takes SQLAlchemy

        try:
            return SqlAccountStore(self._database.opened())
        except DatabaseError as error:
            raise AccountStoreError(AccountFault.UNAVAILABLE, str(error)) from error
