"""Brings a database to the newest layout by Alembic's migrations, behind a copy of what was there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from services.database._driver_faults import is_of_the_moment
from services.database.database_error import DatabaseError, DatabaseFault

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, file: Path | None, migrations: Path = MIGRATIONS) -> None:
    """Run the migrations that are missing, all of them or none. `file` is the SQLite file, of which a copy is kept.

    Raises:
        DatabaseError: a newer version made the database, or a migration failed. The transaction is to be rolled back.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    present, newest = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if present == newest:
        return
    copy: Path | None = None
    if present is not None:
        if present not in {script.revision for script in scripts.walk_revisions()}:
            message = (
                "The database was made by a newer version of Terrarium. Start that version, or choose another folder"
                " with --data-dir; nothing in it was changed."
            )
            raise DatabaseError(DatabaseFault.NEWER, message)
        if file is not None:
            copy = file.with_name(f"{file.stem}.before-{newest}{file.suffix}")
            _copy(file, copy)
    try:
        command.upgrade(config, "head")
    except Exception as error:  # a migration may raise anything
        if is_of_the_moment(error):
            raise
        logger.exception("The database could not be upgraded", was=present, wanted=newest, copy=copy, exc_info=error)
        message = (
            "The database could not be brought to the layout of this version of Terrarium, so it was left as it was;"
            " the server's log has the details. The version that made it can still use it."
        )
        raise DatabaseError(DatabaseFault.NOT_UPGRADED, message) from error
    logger.info("The database was upgraded", was=present, now=newest, copy=copy)


def _copy(file: Path, copy: Path) -> None:
    """By SQLite's backup, which takes a consistent copy also of what is still in the write-ahead log.

    The copy is there when it is whole: while it is made, it has another name.
    """
    part = copy.with_name(f".{copy.name}.part")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
