"""What a run of the server has left that is gone, in the database and among the files: an earlier one, or another's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.jobs.executor import AfterRestart
from handlers.jobs.runner import WRITE_AGAIN_S
from services.job_store.job import (
    ENDED,
    Failed,
    FilesLost,
    IllegalJobEventError,
    Interrupted,
    JobFault,
    JobState,
    Requeued,
    Stopped,
    TakenOver,
)
from services.job_store.job_store import JobQuery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from concurrent.futures import Executor

    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobExecutor, JobKinds
    from handlers.jobs.runner import JobRunner
    from handlers.peers.peers_handler import PeersHandler
    from services.clock.clock import Clock
    from services.job_folder.job_folder import JobFolder
    from services.job_store.job import Job, JobEvent, JobId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_ATTEMPTS: Final = 3  # after that many, a job whose server ended is not begun again by itself
_PAUSE_S: Final = 5.0  # before the second attempt; the third waits twice as long
LONGEST_PAUSE_S: Final = _PAUSE_S * 2 ** (_ATTEMPTS - 1)
_PAGE: Final = 500
_RESTARTED: Final = JobFault(
    ErrorCode.SERVER_RESTARTED.value, "The server stopped while this was being done. It can be tried again."
)
_LATE: Final = JobFault(
    ErrorCode.REQUEST_TIMEOUT.value, "The server stopped while this was being done, and its time has run out since."
)


class JobSettlement:
    def __init__(
        self,
        board: JobBoard,
        kinds: JobKinds,
        runner: JobRunner,
        peers: PeersHandler,
        *,
        folder: JobFolder,
        threads: Executor,
        clock: Clock,
    ) -> None:
        self._board = board
        self._peers = peers
        self._kinds = kinds
        self._runner = runner
        self._folder = folder
        self._threads = threads
        self._clock = clock

    async def settle(self) -> None:
        """Nothing may run before it is done, so that it cannot take what runs now for what was left.

        While the database cannot be used, nothing could run in any case, and it is tried again.
        """
        await self._peers.known()
        attempt, said = 0, ""
        while self._board.has_begun():
            try:
                await self._settle_jobs()
                if not self._peers.are_possible:  # else they may be what another server works on just now
                    await self._settle_files()
                break
            except DomainError as error:
                if error.message != said:
                    logger.warning("The jobs of an earlier run cannot be settled yet", reason=error.message)
                said = error.message
                await asyncio.sleep(WRITE_AGAIN_S[min(attempt, len(WRITE_AGAIN_S) - 1)])
                attempt += 1
            except Exception as error:  # the boundary of this work; new jobs are done all the same
                logger.exception("The jobs of an earlier run could not be settled", exc_info=error)
                break

    async def left(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of the jobs that a server has begun that is gone.

        A server tells of itself before it begins a job. So whoever is looked for after the jobs were read is there if
        it lives, also one that has come a moment ago. Raises: DomainError.
        """
        if self._peers.are_possible and any(self._is_left(job) for job in jobs):
            await self._peers.look_afresh()
        return [job for job in jobs if self._is_left(job)]

    def _is_left(self, job: Job) -> bool:
        return job.state is not JobState.QUEUED and self._peers.is_gone(job.epoch)

    async def _settle_jobs(self) -> None:
        """Queued jobs wait on. What ran when the server ended is finished, begins again, or is told as interrupted."""
        async for page in self._pages(frozenset(JobState) - ENDED):
            left = {job.id for job in await self.left(page)}
            for job in reversed(page):
                if job.id in left:
                    await self.settle_job(job)
                else:
                    await self._board.take_up(job.id)

    async def _pages(self, states: Collection[JobState]) -> AsyncGenerator[list[Job]]:
        before: JobId | None = None
        while True:
            query = JobQuery(states=states, before=before, limit=_PAGE)
            page = list(await self._board.read(lambda store, query=query: store.query(query)))
            if page:
                yield page
            if len(page) < _PAGE:
                return
            before = page[-1].id

    async def settle_job(self, job: Job) -> None:
        """What becomes of a job whose run of a server is gone. Of several servers that see to it, one does.

        Raises:
            DomainError: the database cannot be used.
        """
        executor = self._kinds.find(job.kind)
        try:
            if job.state is JobState.FINISHING and executor is not None and await self._is_whole(job):
                taken = await self._board.apply(job.id, TakenOver(self._board.epoch), worker=job.epoch)
                logger.info("The work of a job was done before its server ended", job=job.id, kind=job.kind)
                if taken is not None:
                    await self._runner.finish(taken, executor)
                return
            event = self._event_for(job, executor)
            await self._board.apply(job.id, event, worker=job.epoch)
        except IllegalJobEventError:  # another server was quicker, or the job has ended by itself
            await self._board.take_up(job.id)
        else:
            logger.info("A job was settled whose server ended", job=job.id, kind=job.kind, outcome=type(event).__name__)

    def _event_for(self, job: Job, executor: JobExecutor | None) -> JobEvent:
        if job.cancel_requested_at is not None and job.state is JobState.RUNNING:
            return Stopped()
        if executor is None or executor.after_restart is AfterRestart.IS_INTERRUPTED or job.attempt >= _ATTEMPTS:
            return Interrupted(_RESTARTED)
        now = self._clock.wall()
        goes_on = executor.after_restart is AfterRestart.GOES_ON and job.state is JobState.RUNNING
        if goes_on and job.deadline_at is not None and job.deadline_at <= now:
            return Failed(_LATE)
        return Requeued(now + _PAUSE_S * (2 ** (job.attempt - 1)), goes_on=goes_on)

    async def _is_whole(self, job: Job) -> bool:
        return await in_thread(self._threads, lambda: self._folder.left(job)) == job.files

    async def _settle_files(self) -> None:
        """Remove files that no job owns, and forget those that somebody has removed."""
        owned: dict[JobId, Collection[str] | None] = {}
        async for page in self._pages(frozenset(JobState)):
            for job in page:
                left = job.files
                if job.files:
                    left = await in_thread(self._threads, lambda job=job: self._folder.left(job))
                if left != job.files and job.state is JobState.DONE:
                    logger.warning("Files of a job are gone", job=job.id, kind=job.kind)
                    await self._board.apply(job.id, FilesLost(left))
                owned[job.id] = None if self._goes_on(job) else [file.path for file in left]
        await in_thread(self._threads, lambda: self._folder.sweep(owned))

    def _goes_on(self, job: Job) -> bool:
        executor = self._kinds.find(job.kind)
        may_go_on = executor is not None and executor.after_restart is AfterRestart.GOES_ON
        return job.state is not JobState.DONE and (may_go_on or job.state is JobState.FINISHING)
