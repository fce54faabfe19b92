"""The database file: through versions, damage, locks and full disks."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, inspect, select, text

from network.listening_socket import create_listening_socket
from services.database.database_error import DatabaseError, DatabaseFault
from services.database.schema import METADATA
from services.database.sql_database import SqlDatabase, sqlite_url
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

JOB_EVENTS, JOBS = METADATA.tables["job_events"], METADATA.tables["jobs"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "terrarium.sqlite"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, file: Path) -> Generator[SqlDatabase]:
    made = SqlDatabase(sqlite_url(file) if request.param == "sqlite" else emptied_postgres_url())
    yield made
    made.close()


def add_job(database: SqlDatabase, job_id: str, request: str = "") -> None:
    with database.writing() as connection:
        connection.execute(
            insert(JOBS).values(
                id=job_id,
                kind="scene",
                owner="",
                state="queued",
                request={"prompt": request},
                priority=0,
                attempt=1,
                created_at=1.0,
                request_digest="d",
            )
        )


def ids(database: SqlDatabase) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(JOBS.c.id).order_by(JOBS.c.id)).scalars())


def test_the_migrations_make_the_tables_that_the_code_knows(database: SqlDatabase) -> None:
    with database.reading() as connection:
        found = inspect(connection)
        for table in METADATA.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert {index["name"] for index in found.get_indexes(table.name)} >= {index.name for index in table.indexes}


def test_a_block_that_fails_changes_nothing(database: SqlDatabase) -> None:
    add_job(database, "1")

    def fail_in_the_middle() -> None:
        with database.writing() as connection:
            connection.execute(text("DELETE FROM jobs"))
            raise LookupError

    with pytest.raises(LookupError):
        fail_in_the_middle()
    assert ids(database) == ["1"]


def test_writers_follow_one_another(database: SqlDatabase) -> None:
    threads = [threading.Thread(target=add_job, args=(database, f"{number:02d}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(database) == [f"{number:02d}" for number in range(20)]


def test_what_was_written_is_there_again(file: Path) -> None:
    first = SqlDatabase(sqlite_url(file))
    add_job(first, "1")
    first.close()
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    again = SqlDatabase(sqlite_url(file))
    assert ids(again) == ["1"]
    again.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(file: Path) -> None:
    SqlDatabase(sqlite_url(file)).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = file.read_bytes()
    with pytest.raises(DatabaseError, match="newer version of Terrarium") as caught:
        SqlDatabase(sqlite_url(file))
    assert caught.value.fault is DatabaseFault.NEWER
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["no database", "a torn page"])
def test_a_damaged_database_is_set_aside(file: Path, damage: str) -> None:
    database = SqlDatabase(sqlite_url(file))
    for number in range(200):
        add_job(database, f"{number:03d}", "long " * 100)
    database.close()
    whole = file.read_bytes()
    torn = b"nonsense" * 512 if damage == "no database" else whole[:8192] + b"\xff" * 40_960 + whole[49_152:]
    file.write_bytes(torn)
    again = SqlDatabase(sqlite_url(file))
    assert ids(again) == []
    add_job(again, "1")
    again.close()
    (aside,) = file.parent.glob("*.damaged-*")
    assert aside.read_bytes() == torn


def test_a_full_disk_in_the_middle_of_a_transaction(file: Path) -> None:
    database = SqlDatabase(sqlite_url(file))
    add_job(database, "1")

    def fill_the_disk() -> None:
        with database.writing() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
            connection.execute(text("UPDATE jobs SET priority = 7"))
            connection.execute(text("UPDATE jobs SET stage = :stage"), {"stage": "x" * 100_000})

    with pytest.raises(DatabaseError, match="full") as caught:
        fill_the_disk()
    assert caught.value.fault is DatabaseFault.FULL
    with database.reading() as connection:
        assert connection.execute(select(JOBS.c.priority, JOBS.c.stage)).all() == [(0, None)]
    database.close()


def test_a_database_that_another_program_has_locked(file: Path) -> None:
    database = SqlDatabase(sqlite_url(file), busy_s=0.05)
    add_job(database, "1")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked") as caught:
            add_job(database, "2")
        assert caught.value.fault is DatabaseFault.BUSY
        assert ids(database) == ["1"], "who reads need not wait"
        with pytest.raises(DatabaseError, match="locked"):
            SqlDatabase(sqlite_url(file), busy_s=0.05)
        other.execute("ROLLBACK")
    add_job(database, "2")
    assert ids(database) == ["1", "2"]
    database.close()


def test_a_database_server_whose_writers_another_one_keeps_waiting() -> None:
    url = emptied_postgres_url()
    first, second = SqlDatabase(url), SqlDatabase(url, busy_s=0.05)
    with first.writing():
        with pytest.raises(DatabaseError, match="locked") as caught:
            add_job(second, "1")
        assert caught.value.fault is DatabaseFault.BUSY
        assert ids(second) == [], "who reads need not wait"
        with pytest.raises(DatabaseError, match="locked"):
            SqlDatabase(url, upgrade_s=0.05)
    add_job(second, "1")
    assert ids(first) == ["1"]
    first.close()
    second.close()


def test_a_row_that_another_server_keeps() -> None:
    url = emptied_postgres_url()
    first, second = SqlDatabase(url), SqlDatabase(url, busy_s=0.05)
    add_job(first, "1")

    def rise(database: SqlDatabase) -> None:
        with database.writing_apart() as connection:
            connection.execute(text("UPDATE jobs SET priority = priority + 1"))

    with first.writing_apart() as connection:
        connection.execute(text("UPDATE jobs SET priority = 7"))
        with pytest.raises(DatabaseError, match="locked") as caught:
            rise(second)
        assert caught.value.fault is DatabaseFault.BUSY
    rise(second)
    with first.reading() as connection:
        assert connection.execute(select(JOBS.c.priority)).scalar_one() == 8
    first.close()
    second.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        SqlDatabase(sqlite_url(tmp_path / "missing" / "terrarium.sqlite"))
    assert caught.value.fault is DatabaseFault.UNREACHABLE


def test_a_server_that_lets_nobody_in() -> None:
    with create_listening_socket("127.0.0.1", 0) as silent, pytest.raises(DatabaseError) as caught:
        SqlDatabase(f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/none", patience_s=1)
    assert caught.value.fault is DatabaseFault.UNREACHABLE


def test_all_connections_wait_for_answers(file: Path) -> None:
    database = SqlDatabase(sqlite_url(file), patience_s=0.05)
    with ExitStack() as stack:
        for _ in range(15):  # SQLAlchemy has no more of them
            stack.enter_context(database.reading())
        with pytest.raises(DatabaseError, match="asked before") as caught:
            stack.enter_context(database.reading())
    assert caught.value.fault is DatabaseFault.BUSY
    assert ids(database) == []
    database.close()


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host/name", "postgresql+psycopg://nobody@127.0.0.1:1/none"])
def test_an_address_that_leads_nowhere(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        SqlDatabase(url)
    assert caught.value.fault is DatabaseFault.UNREACHABLE
