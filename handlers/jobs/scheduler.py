"""Jobs in their turn: one at a time for each resource."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, get_args

import structlog

from error_types import DomainError
from handlers.jobs.executor import Resource
from handlers.jobs.fair_queue import Turns
from handlers.jobs.outlook import Outlook
from handlers.jobs.runner import WRITE_AGAIN_S
from handlers.jobs.settlement import LONGEST_PAUSE_S
from services.job_store.job import JobState

if TYPE_CHECKING:
    from collections.abc import Generator

    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobKinds
    from handlers.jobs.others import JobsOfOthers
    from handlers.jobs.outlook import JobTimes
    from handlers.jobs.retention import JobRetention
    from handlers.jobs.runner import JobRunner
    from handlers.jobs.settlement import JobSettlement
    from services.clock.clock import Clock
    from services.job_store.job import Job, JobId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_PRUNE_EVERY: Final = 50  # jobs that have ended


class JobScheduler:
    def __init__(
        self,
        board: JobBoard,
        kinds: JobKinds,
        runner: JobRunner,
        *,
        settlement: JobSettlement,
        others: JobsOfOthers,
        retention: JobRetention,
        times: JobTimes,
        clock: Clock,
    ) -> None:
        self._board = board
        self._kinds = kinds
        self._runner = runner
        self._settlement = settlement
        self._others = others
        self._retention = retention
        self._times = times
        self._clock = clock
        self._turns: dict[Resource, Turns] = {resource: Turns() for resource in get_args(Resource)}
        self._lanes: list[asyncio.Task[None]] = []
        self._ended = 0
        self._takes_on = True
        self._is_settled = asyncio.Event()

    def start(self) -> None:
        """Begin with what an earlier run has left, and then with what is queued."""
        self._lanes = [asyncio.create_task(self._guard(resource, turns)) for resource, turns in self._turns.items()]
        self._lanes.append(asyncio.create_task(self._settle()))

    def take_on(self, *, is_wanted: bool) -> None:
        """Whether what is queued begins here. What runs goes on."""
        self._takes_on = is_wanted
        self._board.changes.announce()

    async def stop(self) -> None:
        """Stop what runs, and leave it as it is: the next start settles it, as it does after a crash."""
        tasks = [*self._lanes, *self._runner.working]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def outlooks(self) -> dict[JobId, Outlook]:
        """What is known of the time that each job will wait or run, of those that have not ended."""
        live, now = self._board.live(), self._clock.monotonic()
        found = {entry.job.id: Outlook(remaining_s=self._times.remaining_s(entry, now)) for entry in live}
        for resource, turns in self._turns.items():
            kinds = self._kinds.of(resource)
            own = [entry for entry in live if entry.job.kind in kinds]
            queued = turns.order(entry.job for entry in own if entry.job.state is JobState.QUEUED)
            found |= zip((job.id for job in queued), self._times.waits(own, queued, now), strict=True)
        return found

    # ------------------------------------------------------------------------------------------------------ lanes

    async def _settle(self) -> None:
        await self._others.begin()
        await self._settlement.settle()
        if self._board.has_begun():
            with _told_only():
                await self._board.read(self._times.recall)
                await self._retention.prune()
        self._is_settled.set()
        await self._others.follow()

    async def _guard(self, resource: Resource, turns: Turns) -> None:
        await self._is_settled.wait()
        while True:
            try:
                await self._work_through(self._kinds.of(resource), turns)
            except Exception as error:  # the boundary of a lane, which has to go on
                logger.exception("A lane of jobs failed", resource=resource, exc_info=error)
                await asyncio.sleep(WRITE_AGAIN_S[0])

    async def _work_through(self, kinds: frozenset[str], turns: Turns) -> None:
        while True:
            mark = self._board.changes.mark()
            live = [entry.job for entry in self._board.live() if entry.job.kind in kinds]
            now = self._clock.wall()
            queued = [job for job in live if job.state is JobState.QUEUED]
            job = turns.next(job for job in queued if self._takes_on and _is_due(job, now))
            if job is not None:
                turns.serve(job.owner)
                await self._do(job)
                continue
            turns.forget_but(job.owner for job in live)
            next_at = min((job.not_before or now for job in queued if self._takes_on), default=None)
            try:
                async with asyncio.timeout(None if next_at is None else max(0.05, next_at - now)):
                    await self._board.changes.after(mark)
            except TimeoutError:
                continue

    async def _do(self, job: Job) -> None:
        executor = self._kinds.find(job.kind)
        ended = None if executor is None else await self._runner.run(job, executor)
        if ended is None:
            return
        self._times.learn(ended)
        self._ended += 1
        if self._ended % _PRUNE_EVERY == 0:
            with _told_only():
                await self._retention.prune()


@contextmanager
def _told_only() -> Generator[None]:
    """Around what can be done another time, when the database can be used again."""
    try:
        yield
    except DomainError as error:
        logger.warning("Jobs that have ended cannot be looked through", reason=error.message)


def _is_due(job: Job, now: float) -> bool:
    """Whether its pause is over. One that is longer than any pause tells of a clock that was set back since."""
    left_s = (job.not_before or now) - now
    return left_s <= 0 or left_s > LONGEST_PAUSE_S
