"""Databases of earlier versions: upgraded behind a copy, or left as they were."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from services.database._upgrade import MIGRATIONS
from services.database.database_error import DatabaseError, DatabaseFault
from services.database.schema import METADATA
from services.database.shared_database import SharedDatabase
from services.database.sql_database import SqlDatabase, sqlite_url
from services.job_store.job_store import JobStoreError
from services.job_store.sql_job_stores import SqlJobStores
from tests.full_disk import files_of_at_most, needs_file_limits
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from pathlib import Path

FAILING = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("DELETE FROM jobs")
    {failure}
"""
FAILURES = ('op.execute("SELECT nothing FROM nowhere")', 'raise LookupError("It cannot be.")')


def migrations(folder: Path, *, only: str = "m*.py", failing: str | None = None) -> Path:
    """A copy of the migrations: those whose names match `only`, and perhaps one more, which fails."""
    copied = folder / "migrations"
    shutil.copytree(MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__", "versions"))
    (copied / "versions").mkdir()
    names = sorted(file.name for file in (MIGRATIONS / "versions").glob(only))
    for name in names:
        shutil.copy(MIGRATIONS / "versions" / name, copied / "versions")
    if failing is not None:
        newest = names[-1].removeprefix("m").partition("_")[0]
        (copied / "versions" / "m9999_failing.py").write_text(FAILING.format(newest=newest, failure=failing))
    return copied


def first_version(url: str, folder: Path) -> None:
    """A database as the first version of the tables has it, with one job and its event."""
    database = SqlDatabase(url, migrations=migrations(folder, only="m0001*.py"))
    with database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (id, kind, owner, state, request, priority, attempt, created_at, request_digest)"
                " VALUES ('1', 'scene', '', 'queued', '{\"prompt\": \"a bay\"}', 0, 1, 1.0, 'd')"
            )
        )
        connection.execute(
            text("INSERT INTO job_events (job, owner, kind, data, at) VALUES ('1', '', 'state', '{}', 1.0)")
        )
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "terrarium.sqlite"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_first_version_is_upgraded_with_all_that_is_in_it(tmp_path: Path, file: Path, kind: str) -> None:
    url = sqlite_url(file) if kind == "sqlite" else emptied_postgres_url()
    first_version(url, tmp_path)
    database = SqlDatabase(url)
    with database.reading() as connection:
        assert {table.name for table in METADATA.sorted_tables} <= set(inspect(connection).get_table_names())
        assert connection.execute(text("SELECT id, request_digest FROM jobs")).all() == [("1", "d")]
        assert connection.execute(text("SELECT job FROM job_events")).all() == [("1",)]
    database.close()


def test_what_was_there_before_an_upgrade_is_kept_whole(tmp_path: Path, file: Path) -> None:
    first_version(sqlite_url(file), tmp_path)
    SqlDatabase(sqlite_url(file)).close()
    (copy,) = tmp_path.glob("terrarium.before-*.sqlite")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("SELECT id, request FROM jobs").fetchall() == [("1", '{"prompt": "a bay"}')]
        assert connection.execute("SELECT job FROM job_events").fetchall() == [("1",)]
    again = SqlDatabase(sqlite_url(copy))  # whoever goes back to it finds it usable
    again.close()


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_upgrade_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, file: Path, failure: str, kind: str
) -> None:
    url = sqlite_url(file) if kind == "sqlite" else emptied_postgres_url()
    first_version(url, tmp_path / "old")
    with pytest.raises(DatabaseError, match="left as it was") as caught:
        SqlDatabase(url, migrations=migrations(tmp_path / "new", only="m0001*.py", failing=failure))
    assert caught.value.fault is DatabaseFault.NOT_UPGRADED
    old = SqlDatabase(url, migrations=tmp_path / "old" / "migrations")  # the version that made it opens it as ever
    with old.reading() as connection:
        assert connection.execute(text("SELECT id FROM jobs")).scalars().all() == ["1"]
        assert "half" not in inspect(connection).get_table_names()
    old.close()


@needs_file_limits
def test_a_disk_without_room_for_the_copy(tmp_path: Path, file: Path) -> None:
    first_version(sqlite_url(file), tmp_path)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE jobs SET fault_message = ?", ["x" * 1_000_000])
    with files_of_at_most(500_000), pytest.raises(DatabaseError):
        SqlDatabase(sqlite_url(file))
    assert list(tmp_path.glob("*before*")) == list(tmp_path.glob(".*part")) == []
    SqlDatabase(sqlite_url(file)).close()
    assert len(list(tmp_path.glob("terrarium.before-*.sqlite"))) == 1


def test_the_jobs_of_a_refused_database_are_asked_for_once(tmp_path: Path, file: Path) -> None:
    first_version(sqlite_url(file), tmp_path)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    stores = SqlJobStores(SharedDatabase(file))
    with pytest.raises(JobStoreError, match="newer version"):
        stores.open()
    file.unlink()  # it is not even looked at again
    with pytest.raises(JobStoreError, match="newer version"):
        stores.open()
    assert not file.exists()
