"""Brings a database to the newest layout by Alembic's migrations, behind a copy of what was there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from services.database.database_error import DatabaseError, DatabaseFault

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, file: Path | None) -> None:
    """Run the migrations that are missing, all of them or none. `file` is the SQLite file, of which a copy is kept.

    Raises:
        DatabaseError: the database was made by a newer version; it is untouched.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    present, newest = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if present == newest:
        return
    if present is not None:
        if present not in {script.revision for script in scripts.walk_revisions()}:
            message = (
                "The database was made by a newer version of Terrarium. Start that version, or choose another folder"
                " with --data-dir; nothing in it was changed."
            )
            raise DatabaseError(DatabaseFault.NEWER, message)
        if file is not None:
            _copy(file, file.with_name(f"{file.stem}.before-{newest}{file.suffix}"))
    command.upgrade(config, "head")
    logger.info("The database was upgraded", was=present, now=newest)


def _copy(file: Path, copy: Path) -> None:
    """By SQLite's backup, which takes a consistent copy also of what is still in the write-ahead log."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
