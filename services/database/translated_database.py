"""The database as one store uses it: what fails, fails as an error of that store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy import Connection

    from services.database.sql_database import SqlDatabase


class TranslatedDatabase:
    """`told` makes the store's error of the database's. Raises of all methods: that error."""

    def __init__(self, database: SqlDatabase, told: Callable[[DatabaseError], Exception]) -> None:
        self._database = database
        self._told = told

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that sees one state of the database until the end of the block."""
        with self._translated(), self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction: everything in the block happens, or nothing does."""
        with self._translated(), self._database.writing() as connection:
            yield connection

    @contextmanager
    def writing_apart(self) -> Generator[Connection]:
        """As `SqlDatabase.writing_apart`."""
        with self._translated(), self._database.writing_apart() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except DatabaseError as error:
            raise self._told(error) from error
