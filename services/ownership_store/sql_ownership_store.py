"""Belongings in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from services.database.schema import BELONGINGS
from services.database.translated_database import TranslatedDatabase
from services.database.upsert import insert_missing
from services.ownership_store.ownership_store import OwnershipStoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement

    from services.database.database_error import DatabaseError
    from services.database.sql_database import SqlDatabase
    from services.ownership_store.ownership_store import OwnerId, Thing, ThingKind


class SqlOwnershipStore:
    """An `OwnershipStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = TranslatedDatabase(database, _told)

    def owners(self, thing: Thing) -> frozenset[OwnerId]:
        with self._database.reading() as connection:
            return frozenset(connection.execute(select(BELONGINGS.c.owner).where(_is(thing))).scalars())

    def of_kind(self, kind: ThingKind) -> Mapping[str, frozenset[OwnerId]]:
        wanted = select(BELONGINGS.c.id, BELONGINGS.c.owner).where(BELONGINGS.c.kind == kind.value)
        found: dict[str, set[OwnerId]] = {}
        with self._database.reading() as connection:
            for thing_id, owner in connection.execute(wanted):
                found.setdefault(thing_id, set()).add(owner)
        return {thing_id: frozenset(owners) for thing_id, owners in found.items()}

    def of_owner(self, kind: ThingKind, owner: OwnerId) -> frozenset[str]:
        wanted = select(BELONGINGS.c.id).where(BELONGINGS.c.owner == owner, BELONGINGS.c.kind == kind.value)
        with self._database.reading() as connection:
            return frozenset(connection.execute(wanted).scalars())

    def add(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        rows = [{"kind": thing.kind.value, "id": thing.id, "owner": owner} for owner in sorted(owners)]
        with self._database.writing() as connection:
            insert_missing(connection, BELONGINGS, rows)

    def remove(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(BELONGINGS).where(_is(thing), BELONGINGS.c.owner.in_(owners)))

    def forget(self, kind: ThingKind, ids: Collection[str]) -> None:
        with self._database.writing() as connection:
            for thing_id in ids:
                connection.execute(
                    delete(BELONGINGS).where(BELONGINGS.c.kind == kind.value, BELONGINGS.c.id == thing_id)
                )

    def rename(self, kind: ThingKind, old: str, new: str) -> None:
        if old == new:
            return
        of_kind = BELONGINGS.c.kind == kind.value
        with self._database.writing() as connection:
            connection.execute(delete(BELONGINGS).where(of_kind, BELONGINGS.c.id == new))
            connection.execute(update(BELONGINGS).where(of_kind, BELONGINGS.c.id == old).values(id=new))

    def forget_owner(self, owner: OwnerId) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(BELONGINGS).where(BELONGINGS.c.owner == owner))


def _told(error: DatabaseError) -> OwnershipStoreError:
    return OwnershipStoreError(str(error))


def _is(thing: Thing) -> ColumnElement[bool]:
    return (BELONGINGS.c.kind == thing.kind.value) & (BELONGINGS.c.id == thing.id)
