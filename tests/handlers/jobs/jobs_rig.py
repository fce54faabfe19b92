"""Jobs without a server around them: the board, the scheduler, the feed and the handler, on a store of the test's."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from access_rules import Owner
from handlers.feedback.book import FeedbackBook
from handlers.jobs.board import JobBoard
from handlers.jobs.executor import JobExecutor, JobKinds
from handlers.jobs.feed import JobFeed
from handlers.jobs.jobs_handler import JobsHandler
from handlers.jobs.others import JobsOfOthers
from handlers.jobs.outlook import JobTimes
from handlers.jobs.retention import JobRetention
from handlers.jobs.runner import JobRunner
from handlers.jobs.scheduler import JobScheduler
from handlers.jobs.settlement import JobSettlement
from handlers.peers.peers_handler import PeersHandler
from handlers.sessions_handler import OwnPlay
from handlers.visitors_handler import VisitorsHandler
from runtime_config.anonymous_config import AnonymousConfig
from runtime_config.current import Current
from runtime_config.runtime_config import JobsConfig
from services.job_folder.job_folder import JobFolder
from state.app_state_types import AppState
from tests.belongings_rig import belongings
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from api_types import JobSummary
    from services.clock.clock import Clock
    from services.job_store.job_store import JobStores
    from services.peer_store.peer_store import PeerStores

PEERS_BEAT_S: Final = 3600.0  # a test has them look when it is time


@dataclass
class JobsRig:
    executor: FakeJobExecutor
    board: JobBoard
    scheduler: JobScheduler
    feed: JobFeed
    jobs: JobsHandler
    retention: JobRetention
    peers: PeersHandler

    async def submit(self, name: str = "a", **options: Any) -> str:
        kind = options.pop("kind", "fake")
        request = {"name": name, "size": options.pop("size", 0)}
        job, _ = await self.jobs.submit(Owner(), kind, request, **options)
        return job.id

    async def until(self, job_id: str, *states: str) -> JobSummary:
        """Wait until a job is in one of the states."""
        found = await self.jobs.find(Owner(), job_id)
        while found.state not in states:
            mark = self.board.changes.mark()
            found = await self.jobs.find(Owner(), job_id)
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
    config: JobsConfig | Current[JobsConfig] | None = None,
    folder: Path | None = None,
    peer_stores: PeerStores | None = None,
    dies: bool = False,
) -> AsyncGenerator[JobsRig]:
    """At the end of the block everything stops, as when the server does. Files lie in `folder`, or are forgotten.

    `peer_stores`: it is one of several servers. One that `dies` tells the others nothing at its end.
    """
    executor, clock, config = executor or FakeJobExecutor(), clock or FakeClock(), config or JobsConfig()
    current = config if isinstance(config, Current) else Current.fixed(config)
    threads = ThreadPoolExecutor(4)
    state, lock = AppState(), RLock()
    visitors = VisitorsHandler(state, lock, clock, Current.fixed(AnonymousConfig()))
    run = secrets.token_hex(8)
    board = JobBoard(state, lock, stores=stores or FakeJobStore(), clock=clock, read_threads=threads, epoch=run)
    peers = PeersHandler(
        peer_stores, run=run, name=run, own_play=lambda: OwnPlay(8), threads=threads, beat_s=PEERS_BEAT_S
    )
    kinds = JobKinds((executor, *others))
    with tempfile.TemporaryDirectory() as forgotten:
        files = JobFolder(folder or Path(forgotten))
        runner = JobRunner(board, files, threads, clock)
        retention = JobRetention(board, config=current, folder=files, threads=threads, clock=clock)
        settlement = JobSettlement(board, kinds, runner, peers, folder=files, threads=threads, clock=clock)
        heard = JobsOfOthers(board, runner, settlement, peers, listen_s=0.02)
        times = JobTimes(kinds)
        scheduler = JobScheduler(
            board, kinds, runner, settlement=settlement, others=heard, retention=retention, times=times, clock=clock
        )
        feed = JobFeed(board, scheduler)
        jobs = JobsHandler(
            board,
            scheduler,
            feed,
            kinds,
            runner,
            retention,
            folder=files,
            visitors=visitors,
            belongings=belongings(with_accounts=True),
            feedback=FeedbackBook(FakeFeedbackStore()),
            config=current,
            clock=clock,
        )
        watching = asyncio.create_task(peers.watch())
        scheduler.start()
        try:
            yield JobsRig(executor, board, scheduler, feed, jobs, retention, peers)
        finally:
            feed.stop()
            await scheduler.stop()
            watching.cancel()
            await asyncio.wait({watching})
            if not dies:
                await peers.leave()
            board.close()
            threads.shutdown()
