"""Belongings in the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from services.database.database_error import DatabaseError
from services.database.schema import BELONGINGS
from services.database.upsert import insert_missing
from services.ownership_store.ownership_store import OwnershipStoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from sqlalchemy import ColumnElement, Connection

    from services.database.sql_database import SqlDatabase
    from services.ownership_store.ownership_store import OwnerId, Thing, ThingKind


class SqlOwnershipStore:
    """An `OwnershipStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def owners(self, thing: Thing) -> frozenset[OwnerId]:
        with self._reading() as connection:
            return frozenset(connection.execute(select(BELONGINGS.c.owner).where(_is(thing))).scalars())

    def of_kind(self, kind: ThingKind) -> Mapping[str, frozenset[OwnerId]]:
        wanted = select(BELONGINGS.c.id, BELONGINGS.c.owner).where(BELONGINGS.c.kind == kind.value)
        found: dict[str, set[OwnerId]] = {}
        with self._reading() as connection:
            for thing_id, owner in connection.execute(wanted):
                found.setdefault(thing_id, set()).add(owner)
        return {thing_id: frozenset(owners) for thing_id, owners in found.items()}

    def of_owner(self, kind: ThingKind, owner: OwnerId) -> frozenset[str]:
        wanted = select(BELONGINGS.c.id).where(BELONGINGS.c.owner == owner, BELONGINGS.c.kind == kind.value)
        with self._reading() as connection:
            return frozenset(connection.execute(wanted).scalars())

    def add(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        rows = [{"kind": thing.kind.value, "id": thing.id, "owner": owner} for owner in sorted(owners)]
        with self._writing() as connection:
            insert_missing(connection, BELONGINGS, rows)

    def remove(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        with self._writing() as connection:
            connection.execute(delete(BELONGINGS).where(_is(thing), BELONGINGS.c.owner.in_(owners)))

    def forget(self, kind: ThingKind, ids: Collection[str]) -> None:
        with self._writing() as connection:
            for thing_id in ids:
                connection.execute(
                    delete(BELONGINGS).where(BELONGINGS.c.kind == kind.value, BELONGINGS.c.id == thing_id)
                )

    def rename(self, kind: ThingKind, old: str, new: str) -> None:
        if old == new:
            return
        of_kind = BELONGINGS.c.kind == kind.value
        with self._writing() as connection:
            connection.execute(delete(BELONGINGS).where(of_kind, BELONGINGS.c.id == new))
            connection.execute(update(BELONGINGS).where(of_kind, BELONGINGS.c.id == old).values(id=new))

    def forget_owner(self, owner: OwnerId) -> None:
        with self._writing() as connection:
            connection.execute(delete(BELONGINGS).where(BELONGINGS.c.owner == owner))

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        with _told_errors(), self._database.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        with _told_errors(), self._database.writing() as connection:
            yield connection


@contextmanager
def _told_errors() -> Generator[None]:
    try:
        yield
    except DatabaseError as error:
        raise OwnershipStoreError(str(error)) from error


def _is(thing: Thing) -> ColumnElement[bool]:
    return (BELONGINGS.c.kind == thing.kind.value) & (BELONGINGS.c.id == thing.id)
