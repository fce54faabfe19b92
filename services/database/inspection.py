"""What state the database is in, found out without changing it: `SqlDatabase` upgrades what it opens."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.machine_probe.machine_probe import (
    DatabaseAbsent,
    DatabaseNewer,
    DatabaseSound,
    DatabaseState,
    DatabaseUnusable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_REVISION: Final = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)
_PRESENT: Final = "SELECT version_num FROM alembic_version"
_PATIENCE_S: Final = 5


def inspect_database(file: Path, url: str | None) -> DatabaseState:
    """`url` is the address of a database server; None: it is the file. Blocks, and never raises."""
    try:
        return _inspect_file(file) if url is None else _inspect_server(url)
    except sqlite3.DatabaseError as error:
        return DatabaseUnusable(str(error))
    except OSError as error:
        return DatabaseUnusable(error.strerror or str(error))


def _inspect_file(file: Path) -> DatabaseState:
    if not file.exists():
        return DatabaseAbsent()
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in names:
            return DatabaseAbsent() if not names else DatabaseUnusable("another program made it")
        present = [str(revision) for (revision,) in connection.execute(_PRESENT)]
    return _judged(present, file.name)


def _inspect_server(url: str) -> DatabaseState:
    """The sentences of drivers may hold the address, and with it a password, so that none is repeated."""
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        address = sqlalchemy.make_url(url)
        waits: dict[str, Any] = {"connect_timeout": _PATIENCE_S} if address.drivername.startswith("postgresql") else {}
        engine = sqlalchemy.create_engine(address, connect_args=waits)
    except ModuleNotFoundError as error:
        return DatabaseUnusable(f"the package {error.name} is not installed: pip install 'terrarium[postgres]'")
    except (ArgumentError, SQLAlchemyError):
        return DatabaseUnusable("its address cannot be read")
    try:
        with engine.connect() as connection:
            if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                return DatabaseAbsent()
            present = [str(revision) for (revision,) in connection.execute(sqlalchemy.text(_PRESENT))]
    except SQLAlchemyError:
        return DatabaseUnusable("its server does not answer, or refuses who asks")
    finally:
        engine.dispose()
    return _judged(present, "a server of its own")


def _judged(present: list[str], where: str) -> DatabaseState:
    after = _revisions()
    if not set(present) <= after.keys():
        return DatabaseNewer()
    newest = after.keys() - set(after.values())
    return DatabaseSound(where, needs_upgrade=set(present) != newest)


def _revisions() -> Mapping[str, str | None]:
    """Each revision that this version knows, with the one that it follows. Alembic would take a second to import."""
    found: dict[str, str | None] = {}
    for path in _VERSIONS.glob("m*.py"):
        named: dict[str, str] = dict(_REVISION.findall(path.read_text(encoding="utf-8")))
        found[named["revision"]] = named.get("down_revision") or None
    return found
