"""A process that does jobs and is killed at a step of the test's choice: `killed_server.py DATABASE STEP`.

Each write to the database is two steps, before and after its commit, and so is giving what was made its place. At the
chosen one the process kills itself, with the signal that nothing can handle. It says `done` and ends when every job has
ended before that step.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access_rules import Owner
from services.database.shared_database import SharedDatabase
from services.job_store.sql_job_stores import SqlJobStores
from tests.fakes.fake_job_executor import FakeJobExecutor, FakeJobRequest
from tests.handlers.jobs.jobs_rig import jobs_rig

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.job_store.job import Job
    from services.job_store.job_store import JobStore


class Steps:
    def __init__(self, last: int) -> None:
        self._left = last

    def take(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


class KilledStore:
    """A job store whose writes are steps."""

    def __init__(self, inner: JobStore, steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._stepped(method) if name in {"add", "apply", "remove"} else method

    def _stepped(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._steps.take()
            result = method(*arguments, **named)
            self._steps.take()
            return result

        return call


class KilledStores(SqlJobStores):
    def __init__(self, file: Path, steps: Steps) -> None:
        super().__init__(SharedDatabase(file))
        self._steps = steps

    def open(self) -> Any:
        return KilledStore(super().open(), self._steps)


class KilledExecutor(FakeJobExecutor):
    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    async def finish(self, request: FakeJobRequest, job: Job, folder: Path) -> None:
        self._steps.take()
        await super().finish(request, job, folder)
        self._steps.take()


async def main(database: Path, last: int) -> None:
    steps = Steps(last)
    executor = KilledExecutor(steps)
    executor.failing["bad"] = ValueError("It broke.")
    stores, folder = KilledStores(database, steps), database.with_suffix(".jobs")
    async with jobs_rig(stores, executor=executor, folder=folder) as here:
        await here.jobs.submit(Owner(), "fake", {"name": "good", "size": 7}, key="good")
        await here.jobs.submit(Owner(), "fake", {"name": "bad"}, key="bad")
        stopped, _ = await here.jobs.submit(Owner(), "fake", {"name": "stopped"}, key="stopped")
        await here.jobs.cancel(Owner(), stopped.id)
        for job in (await here.jobs.list_jobs(Owner())).jobs:
            await here.until(job.id, "done", "failed", "cancelled", "interrupted")
        await here.jobs.forget(Owner(), stopped.id)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
