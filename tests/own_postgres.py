"""A PostgreSQL of a test's own, which it may stop and start again."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from network.listening_socket import create_listening_socket
from tests.postgres import lacking
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

_USER: Final = "postgres"  # Debian's: the programs refuse to run as root


class OwnPostgres:
    """In `folder`, which belongs to the user that it runs as. It is made by the constructor, and not yet running."""

    def __init__(self, folder: Path, programs: Path, port: int) -> None:
        self.url = f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"
        self._folder = folder
        self._programs = programs
        # It survives the death of its processes without waiting for a disk, and no test takes the power away.
        self._options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("initdb", "-A", "trust", "-U", _USER, "--no-sync")

    def start(self) -> None:
        """Returns once it answers."""
        self._control("start", "-w", "-t", f"{deadline_s():.0f}", "-o", self._options)

    def stop(self) -> None:
        """At once, as a crash does it: connections break, and what was not committed is lost."""
        self._control("stop", "-w", "-m", "immediate")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", *arguments, "-l", str(self._folder / "log"))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        if os.geteuid() == 0:
            command = ["su", _USER, "-c", shlex.join(command)]
        # A server that it starts would keep a pipe open.
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=deadline_s())


@contextmanager
def own_postgres() -> Generator[OwnPostgres]:
    """Running, until the end of the block. Skips the test where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        lacking("no PostgreSQL is installed (initdb, pg_ctl)")
    with TemporaryDirectory(prefix="terrarium-", ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            shutil.chown(name, _USER)
        with create_listening_socket("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        database = OwnPostgres(Path(name), programs, port)
        try:
            database.start()
            yield database
        finally:
            with suppress(subprocess.CalledProcessError):  # the test has stopped it
                database.stop()


def _programs() -> Path | None:
    """Where they are; Debian has them outside of the path."""
    found = shutil.which("initdb")
    installed = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None
