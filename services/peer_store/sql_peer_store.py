"""The servers that share a database, in that database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from services.database.schema import PEERS
from services.database.translated_database import TranslatedDatabase
from services.database.upsert import insert_or_change
from services.peer_store.peer_store import PeerRow, PeerSession, PeerStoreError, PlaceAsked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, RowMapping

    from services.database.database_error import DatabaseError
    from services.database.sql_database import SqlDatabase
    from services.peer_store.peer_store import RunId


class SqlPeerStore:
    """A `PeerStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = TranslatedDatabase(database, _told)

    def keep(self, row: PeerRow) -> None:
        with self._database.writing_apart() as connection:
            _keep(connection, row)

    def give_place(self, server: RunId, given: int, by: PeerRow) -> bool:
        # Locked in one order, as two servers may give places on each other at the same time.
        both = select(PEERS.c.run).where(PEERS.c.run.in_({server, by.run})).order_by(PEERS.c.run).with_for_update()
        seen = (PEERS.c.run == server, PEERS.c.given == given, PEERS.c.max_sessions > 0)
        counted = update(PEERS).where(*seen).values(given=given + 1)
        with self._database.writing_apart() as connection:
            connection.execute(both)
            if connection.execute(counted).rowcount == 0:
                return False
            _keep(connection, by)
            return True

    def rows(self) -> Sequence[PeerRow]:
        with self._database.reading() as connection:
            found = connection.execute(select(PEERS).order_by(PEERS.c.name, PEERS.c.run)).mappings()
            return [_row_of(row) for row in found]

    def remove(self, runs: Collection[RunId]) -> None:
        with self._database.writing_apart() as connection:
            connection.execute(delete(PEERS).where(PEERS.c.run.in_(list(runs))))


def _keep(connection: Connection, row: PeerRow) -> None:
    kept: dict[str, Any] = {
        "run": row.run,
        "name": row.name,
        "beat": row.beat,
        "max_sessions": row.max_sessions,
        "sessions": [{"owner": session.owner, "summary": dict(session.summary)} for session in row.sessions],
        "address": row.address,
        "key": row.key,
        "models": list(row.models),
        "line": [asdict(asked) for asked in row.line],
    }
    insert_or_change(connection, PEERS, kept, key=("run",))


def _told(error: DatabaseError) -> PeerStoreError:
    return PeerStoreError(str(error))


def _row_of(row: RowMapping) -> PeerRow:
    sessions = tuple(PeerSession(session["owner"], session["summary"]) for session in row["sessions"])
    return PeerRow(
        row["run"],
        row["name"],
        row["beat"],
        row["max_sessions"],
        sessions,
        address=row["address"],
        key=row["key"],
        models=tuple(row["models"]),
        line=tuple(PlaceAsked(**asked) for asked in row["line"]),
        given=row["given"],
    )
