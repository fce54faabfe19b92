"""Opens the list of servers in the database that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError
from services.peer_store.peer_store import PeerStoreError

if TYPE_CHECKING:
    from services.database.shared_database import SharedDatabase
    from services.peer_store.peer_store import PeerStore


class SqlPeerStores:
    """A `PeerStores`."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    def open(self) -> PeerStore:
        from services.peer_store.sql_peer_store import SqlPeerStore  # it takes SQLAlchemy

        try:
            return SqlPeerStore(self._database.opened())
        except DatabaseError as error:
            raise PeerStoreError(str(error)) from error
