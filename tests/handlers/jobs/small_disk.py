"""Jobs on a disk that fills up in the middle of their transitions: `small_disk.py FOLDER`, which is a small disk."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from access_rules import Owner
from error_types import DomainError
from services.database.shared_database import SharedDatabase
from services.job_store.sql_job_stores import SqlJobStores
from tests.handlers.jobs.jobs_rig import jobs_rig


def fill(filler: Path) -> None:
    """To the last byte, as far as SQLite has not taken room for itself already."""
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue


async def main(folder: Path) -> None:
    filler = folder / "filler"
    async with jobs_rig(SqlJobStores(SharedDatabase(folder / "terrarium.sqlite")), folder=folder / "jobs") as here:
        here.executor.hold()
        job = await here.submit("made in memory")
        await here.until_begun("made in memory")
        fill(filler)
        refused = 0
        while not refused:  # the write-ahead log has room for some more
            try:
                waiting = await here.submit("b" * 60_000)
                await here.jobs.cancel(Owner(), waiting)
            except DomainError as error:
                refused = error.http_status
        here.executor.release()
        torn = await here.jobs.find(Owner(), job)
        filler.unlink()
        found = await here.until(job, "done", "failed")
        sys.stdout.write(f"refused {refused}, {torn.state}, {found.state} at attempt {found.attempt}\n")
        here.executor.hold()
        job = await here.submit("made on the disk", size=4_000_000)
        await here.until_begun("made on the disk")
        here.executor.release()
        found = await here.until(job, "done", "failed")
        assert found.fault is not None
        sys.stdout.write(f"{found.fault.code}: {found.fault.message}\n")
        await here.until(await here.submit("next"), "done")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
