"""The database: SQLite in the data folder, or PostgreSQL by an address. SQLAlchemy Core, synchronous, on threads."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, func, select, true
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from services.database._driver_faults import DRIVER_ERRORS, DamagedError, is_damaged, told
from services.database._upgrade import MIGRATIONS, upgrade
from services.database.database_error import DatabaseError, DatabaseFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_BUSY_S: Final = 5.0  # how long to wait while another process writes
_UPGRADE_S: Final = 60.0  # while one upgrades a database of several servers
_PATIENCE_S: Final = 10.0  # with a database server that does not answer
_WRITERS_LOCK: Final = 0x7E44A  # any number, the same in every server that shares a PostgreSQL
_UNREADABLE: Final = (
    "The address of the database cannot be read. It looks like postgresql+psycopg://user:password@host/name."
)
_SIDE_FILES: Final = ("-wal", "-shm", "-journal")


class SqlDatabase:
    """Opened and brought to the newest layout by its constructor; used from any thread.

    A damaged SQLite file is set aside as `<name>.damaged-<time>`, and a new one begun.

    Raises:
        DatabaseError: it cannot be opened or upgraded, or a newer version made it. It is as it was.
    """

    def __init__(
        self,
        url: str,
        *,
        migrations: Path = MIGRATIONS,
        busy_s: float = _BUSY_S,
        upgrade_s: float = _UPGRADE_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`url` is one of SQLAlchemy's: `sqlite:///path`, or `postgresql+psycopg://user:password@host/name`.

        `busy_s`: how long to wait while another process writes. `upgrade_s`: while another server that shares it opens
        it, too. `patience_s`: for a database server to let in who connects, for a network that has fallen silent, and,
        while all connections are in use, for one of them.
        """
        address = _address(url)
        self._migrations = migrations
        self._busy_s = busy_s
        self._upgrade_s = upgrade_s
        self._patience_s = patience_s
        self._file = Path(address.database) if address.drivername == "sqlite" and address.database else None
        self._writing = threading.Lock()  # SQLite takes one writer; to wait here is fair, to wait for its lock is not
        try:
            self._engine = self._open(address)
        except DatabaseError:
            raise
        except DRIVER_ERRORS as error:
            if self._file is None or not is_damaged(error):
                raise told(error) from error
            _set_aside(self._file)
            with _told_errors():
                self._engine = self._open(address)

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that sees one state of the database until the end of the block. Raises: DatabaseError."""
        with _told_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction: everything in the block happens, or nothing does. Raises: DatabaseError."""
        with self.writing_apart() as writer:
            if _is_shared(writer):  # so that what has a higher number is committed later
                _take_turn(writer)
            yield writer

    @contextmanager
    def writing_apart(self) -> Generator[Connection]:
        """The same for rows that no reader follows by their numbers: other servers' writers need not wait for it."""
        with self._writing, _told_errors(), self._engine.connect() as connection:
            writer = connection.execution_options(terrarium_writes=True)
            with writer.begin():
                if _is_shared(writer):
                    _wait_at_most(self._busy_s, writer)
                yield writer

    def close(self) -> None:
        """Give back the connections. What is written last stays in one file, without side files."""
        self._engine.dispose()

    def _open(self, address: URL) -> Engine:
        engine = _engine(address, self._patience_s)
        try:
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", self._prepare_sqlite)
                event.listen(engine, "begin", _begin_sqlite)
            with engine.connect() as connection, connection.execution_options(terrarium_writes=True).begin():
                if _is_shared(connection):  # servers may start at the same moment
                    _wait_at_most(self._upgrade_s, connection)
                    _take_turn(connection)
                else:
                    _check_sqlite(connection)
                upgrade(connection, self._file, self._migrations)
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _prepare_sqlite(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the module would begin transactions by itself, and too late
        for setting in (
            f"busy_timeout={self._busy_s * 1000:.0f}",  # first, as the next one may have to wait, too
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {setting}")


def sqlite_url(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string()


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise DatabaseError(DatabaseFault.UNREACHABLE, _UNREADABLE) from error


def _engine(address: URL, patience_s: float) -> Engine:
    try:
        return create_engine(address, pool_timeout=patience_s, connect_args=_patience(address, patience_s))
    except NoSuchModuleError as error:
        raise DatabaseError(DatabaseFault.UNREACHABLE, _UNREADABLE) from error
    except ModuleNotFoundError as error:
        message = f"This database needs the package {error.name}: pip install 'terrarium[postgres]'."
        raise DatabaseError(DatabaseFault.UNREACHABLE, message) from error


def _patience(address: URL, seconds: float) -> dict[str, int]:
    """For libpq, which by itself waits for minutes, or for ever, where a machine has gone without a word.

    What the address says counts more.
    """
    if not address.drivername.startswith("postgresql"):
        return {}
    patience = {
        "connect_timeout": ceil(seconds),
        "tcp_user_timeout": ceil(1000 * seconds),  # for what was sent to arrive
        "keepalives_idle": ceil(seconds / 2),  # while an answer is waited for
        "keepalives_interval": ceil(seconds / 10),
        "keepalives_count": 5,
    }
    return {name: value for name, value in patience.items() if name not in address.query}


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes fails where another has written meanwhile. So writers say so.
    is_writer = connection.get_execution_options().get("terrarium_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _is_shared(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _wait_at_most(seconds: float, writer: Connection) -> None:
    """For any lock that somebody else holds, until the end of the transaction. PostgreSQL would wait for ever."""
    writer.execute(select(func.set_config("lock_timeout", f"{ceil(1000 * seconds)}", true())))


def _take_turn(writer: Connection) -> None:
    """Have all other writers wait until the end of the transaction."""
    writer.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))


def _check_sqlite(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() != "ok":
        raise DamagedError


@contextmanager
def _told_errors() -> Generator[None]:
    try:
        yield
    except DRIVER_ERRORS as error:
        raise told(error) from error


def _set_aside(file: Path) -> None:
    aside = file.with_name(f"{file.name}.damaged-{time.time():.0f}")
    for suffix in ("", *_SIDE_FILES):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    logger.error("The database was damaged; it was set aside, and a new one is begun", kept_as=aside.name)
