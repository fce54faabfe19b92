"""Jobs without a server around them: the board, the scheduler, the feed and the handler, on a store of the test's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from access_rules import Owner
from handlers.jobs.board import JobBoard
from handlers.jobs.executor import JobExecutor, JobKinds
from handlers.jobs.feed import JobFeed
from handlers.jobs.jobs_handler import JobsHandler
from handlers.jobs.scheduler import JobScheduler
from handlers.visitors_handler import VisitorsHandler
from runtime_config.anonymous_config import AnonymousConfig
from runtime_config.current import Current
from runtime_config.runtime_config import JobsConfig
from state.app_state_types import AppState
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from api_types import JobSummary
    from services.clock.clock import Clock
    from services.job_store.job_store import JobStores


@dataclass
class JobsRig:
    executor: FakeJobExecutor
    board: JobBoard
    scheduler: JobScheduler
    feed: JobFeed
    jobs: JobsHandler

    async def submit(self, name: str = "a", **options: Any) -> str:
        kind = options.pop("kind", "fake")
        job, _ = await self.jobs.submit(Owner(), kind, {"name": name}, **options)
        return job.id

    async def until(self, job_id: str, *states: str) -> JobSummary:
        """Wait until a job is in one of the states."""
        found = await self.jobs.find(job_id)
        while found.state not in states:
            mark = self.board.changes.mark()
            found = await self.jobs.find(job_id)
            if found.state not in states:
                await self.board.changes.after(mark)
        return found

    async def until_begun(self, name: str) -> None:
        await wait_until_async(lambda: name in self.executor.begun, f"{name} began")


@asynccontextmanager
async def jobs_rig(
    stores: JobStores | None = None,
    *others: JobExecutor,
    executor: FakeJobExecutor | None = None,
    clock: Clock | None = None,
    config: JobsConfig | None = None,
) -> AsyncGenerator[JobsRig]:
    """At the end of the block everything stops, as when the server does."""
    executor, clock, config = executor or FakeJobExecutor(), clock or FakeClock(), config or JobsConfig()
    threads = ThreadPoolExecutor(4)
    state, lock = AppState(), RLock()
    visitors = VisitorsHandler(state, lock, clock, Current.fixed(AnonymousConfig()))
    board = JobBoard(state, lock, stores=stores or FakeJobStore(), clock=clock, read_threads=threads)
    kinds = JobKinds((executor, *others))
    scheduler = JobScheduler(board, kinds, config=Current.fixed(config), clock=clock)
    feed = JobFeed(board, scheduler)
    scheduler.start()
    try:
        jobs = JobsHandler(board, scheduler, feed, kinds, visitors=visitors, config=Current.fixed(config), clock=clock)
        yield JobsRig(executor, board, scheduler, feed, jobs)
    finally:
        feed.stop()
        await scheduler.stop()
        board.close()
        threads.shutdown()
