"""Jobs in their turn: one at a time for each resource, cancelled when asked for, settled after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, get_args

import structlog

from error_types import DomainError, ErrorCode
from handlers.jobs.executor import Resource, RunningJob
from handlers.jobs.fair_queue import Turns
from services.job_store.job import (
    ENDED,
    Began,
    Failed,
    IllegalJobEventError,
    Interrupted,
    JobFault,
    JobState,
    Requeued,
    Stopped,
    Succeeded,
)
from services.job_store.job_store import JobQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobExecutor, JobKinds
    from runtime_config.current import Current
    from runtime_config.runtime_config import JobsConfig
    from services.clock.clock import Clock
    from services.job_store.job import Job, JobEvent, JobId, Json
    from services.job_store.job_store import JobStore

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_ATTEMPTS: Final = 3  # after that many, a job whose server ended is not begun again by itself
_PAUSE_S: Final = 5.0  # before the second attempt; the third waits twice as long
_LONGEST_PAUSE_S: Final = _PAUSE_S * 2 ** (_ATTEMPTS - 1)
_PAGE: Final = 500
_PRUNE_EVERY: Final = 50  # jobs that have ended
_WRITE_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0)  # between attempts to keep what has become of a job; the last repeats
_MISTAKE: Final = JobFault(ErrorCode.INTERNAL.value, "The server made a mistake; its log has the details.")
_RESTARTED: Final = JobFault(
    ErrorCode.SERVER_RESTARTED.value, "The server stopped while this was being done. It can be tried again."
)


class JobScheduler:
    def __init__(self, board: JobBoard, kinds: JobKinds, *, config: Current[JobsConfig], clock: Clock) -> None:
        self._board = board
        self._kinds = kinds
        self._config = config
        self._clock = clock
        self._turns: dict[Resource, Turns] = {resource: Turns() for resource in get_args(Resource)}
        self._lanes: list[asyncio.Task[None]] = []
        self._running: dict[JobId, asyncio.Task[Json]] = {}
        self._ended = 0
        self._is_settled = asyncio.Event()

    def start(self) -> None:
        """Begin with what is queued, and with what an earlier run has left."""
        self._lanes = [asyncio.create_task(self._guard(resource, turns)) for resource, turns in self._turns.items()]
        self._lanes.append(asyncio.create_task(self._settle_guarded()))

    async def stop(self) -> None:
        """Stop what runs, and leave it as it is: the next start settles it, as it does after a crash."""
        tasks = [*self._lanes, *self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def stop_job(self, job_id: JobId) -> None:
        """Have a job stop that was asked to; the board has noted it already."""
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()

    def positions(self) -> dict[JobId, int]:
        """How many jobs for the same resource begin before each one that is queued."""
        queued = [live.job for live in self._board.live() if live.job.state is JobState.QUEUED]
        found: dict[JobId, int] = {}
        for resource, turns in self._turns.items():
            kinds = self._kinds.of(resource)
            found |= {
                job.id: place for place, job in enumerate(turns.order(job for job in queued if job.kind in kinds))
            }
        return found

    # ------------------------------------------------------------------------------------------------------ lanes

    async def _guard(self, resource: Resource, turns: Turns) -> None:
        await self._is_settled.wait()
        while True:
            try:
                await self._work_through(self._kinds.of(resource), turns)
            except Exception as error:  # the boundary of a lane, which has to go on
                logger.exception("A lane of jobs failed", resource=resource, exc_info=error)
                await asyncio.sleep(_WRITE_AGAIN_S[0])

    async def _work_through(self, kinds: frozenset[str], turns: Turns) -> None:
        while True:
            mark = self._board.changes.mark()
            live = [entry.job for entry in self._board.live() if entry.job.kind in kinds]
            now = self._clock.wall()
            queued = [job for job in live if job.state is JobState.QUEUED]
            job = turns.next(job for job in queued if _is_due(job, now))
            if job is not None:
                turns.serve(job.owner)
                await self._do(job)
                continue
            turns.forget_but(job.owner for job in live)
            next_at = min((job.not_before or now for job in queued), default=None)
            try:
                async with asyncio.timeout(None if next_at is None else max(0.05, next_at - now)):
                    await self._board.changes.after(mark)
            except TimeoutError:
                continue

    async def _do(self, job: Job) -> None:
        """One job, from its turn to its end."""
        executor = self._kinds.find(job.kind)
        if executor is None:
            return
        try:
            begun = await self._board.apply(job.id, Began(self._board.epoch))
        except IllegalJobEventError:  # it was cancelled a moment ago
            return
        except DomainError as error:  # the database cannot be written: so not now
            logger.warning("A job cannot begin", job=job.id, reason=error.message)
            await asyncio.sleep(_WRITE_AGAIN_S[-1])
            return
        if begun is None:
            return
        with structlog.contextvars.bound_contextvars(job=job.id, kind=job.kind):
            logger.info("A job began", attempt=begun.attempt)
            event = await self._outcome(begun, executor)
            await self._keep_outcome(job.id, event)
            logger.info("A job ended", outcome=type(event).__name__)
        await self._prune_now_and_then()

    async def _outcome(self, job: Job, executor: JobExecutor) -> JobEvent:
        """The boundary of a job: whatever happens becomes an event. Cancelled by the server's stop, it says nothing."""
        running = RunningJob(job, self._board)
        work = self._running[job.id] = asyncio.create_task(self._work(job, executor, running))
        live = self._board.find_live(job.id)
        if live is not None and live.job.cancel_requested_at is not None:  # asked for before there was a task
            work.cancel()
        try:
            await asyncio.wait({work})
        finally:
            del self._running[job.id]
            work.cancel()
        await running.told()
        if work.cancelled():
            return Stopped()
        match work.exception():
            case None:
                return Succeeded(work.result())
            case DomainError(code=ErrorCode.CANCELLED):
                return Stopped()
            case DomainError() as error:
                logger.info("A job failed", code=error.code.value, reason=error.message)
                return Failed(JobFault(error.code.value, error.message))
            case error:
                logger.exception("A job failed", exc_info=error)
                return Failed(_MISTAKE)

    async def _work(self, job: Job, executor: JobExecutor, running: RunningJob) -> Json:
        request = executor.request_model.model_validate(dict(job.request))
        try:
            async with asyncio.timeout(executor.limit_s):
                result = await executor.run(request, running)
        except TimeoutError as error:
            raise DomainError(f"This took longer than {executor.limit_s:.0f} s.", ErrorCode.REQUEST_TIMEOUT) from error
        live = self._board.find_live(job.id)
        if live is not None and live.job.state is JobState.RUNNING:
            await running.begin_finish()
        return result

    async def _keep_outcome(self, job_id: JobId, event: JobEvent) -> None:
        """Until it is kept; a full disk gets room again, and the server's stop ends the wait."""
        attempt = 0
        while True:
            try:
                await self._board.apply(job_id, event)
            except IllegalJobEventError as error:  # another server that shares the database has settled it
                logger.warning("A job has ended otherwise meanwhile", reason=str(error))
                return
            except DomainError as error:
                logger.warning("What became of a job cannot be kept yet", reason=error.message)
                await asyncio.sleep(_WRITE_AGAIN_S[min(attempt, len(_WRITE_AGAIN_S) - 1)])
                attempt += 1
            else:
                return

    # --------------------------------------------------------------------------------------- after a restart

    async def _settle_guarded(self) -> None:
        """Nothing runs before it is done, so that it cannot take what runs now for what was left.

        While the database cannot be used, nothing could run in any case, and it is tried again.
        """
        attempt = 0
        while self._board.has_begun():
            try:
                await self._settle()
                await self.prune()
                await self._sweep()
                break
            except DomainError as error:
                logger.warning("The jobs of an earlier run cannot be settled yet", reason=error.message)
                await asyncio.sleep(_WRITE_AGAIN_S[min(attempt, len(_WRITE_AGAIN_S) - 1)])
                attempt += 1
            except Exception as error:  # the boundary of this task; new jobs are done all the same
                logger.exception("The jobs of an earlier run could not be settled", exc_info=error)
                break
        self._is_settled.set()

    async def _settle(self) -> None:
        """Queued jobs wait on. What ran when the server ended begins again, or is told as interrupted."""
        before: JobId | None = None
        states = frozenset(JobState) - ENDED
        while True:
            page = await self._page(states, before)
            for job in reversed(page):
                if job.epoch != self._board.epoch:
                    await self._settle_one(job)
            if len(page) < _PAGE:
                return
            before = page[-1].id

    async def _page(self, states: frozenset[JobState], before: JobId | None) -> Sequence[Job]:
        query = JobQuery(states=states, before=before, limit=_PAGE)
        return await self._board.read(lambda store: store.query(query))

    async def _settle_one(self, job: Job) -> None:
        executor = self._kinds.find(job.kind)
        if job.state is JobState.QUEUED:
            await self._board.take_up(job.id)
            return
        event: JobEvent
        if job.cancel_requested_at is not None and job.state is JobState.RUNNING:
            event = Stopped()
        elif executor is not None and executor.begins_again and job.attempt < _ATTEMPTS:
            event = Requeued(self._clock.wall() + _PAUSE_S * (2 ** (job.attempt - 1)))
        else:
            event = Interrupted(_RESTARTED)
        logger.info("A job was settled after a restart", job=job.id, kind=job.kind, outcome=type(event).__name__)
        await self._board.apply(job.id, event)

    async def _sweep(self) -> None:
        known: list[JobId] = []
        while page := await self._page(frozenset(JobState), known[-1] if known else None):
            known += [job.id for job in page]
        for executor in self._kinds.executors:
            await self._board.read(lambda _, executor=executor: executor.sweep(known))

    async def _prune_now_and_then(self) -> None:
        self._ended += 1
        if self._ended % _PRUNE_EVERY == 0:
            await self.prune()

    async def prune(self) -> None:
        """Forget the jobs that ended too long ago, or before too many others; and the keys of a day ago."""
        now = self._clock.wall()
        ended = await self._board.read(
            lambda store: store.query(JobQuery(states=ENDED, limit=self._config.now.kept + _PAGE))
        )
        oldest = now - self._config.now.kept_s
        forgotten = [
            job for number, job in enumerate(ended) if number >= self._config.now.kept or (job.ended_at or now) < oldest
        ]
        for job in forgotten:
            executor = self._kinds.find(job.kind)
            if executor is not None:
                await self._board.read(lambda _, executor=executor, job=job: executor.discard(job))

        def forget(store: JobStore) -> None:
            store.remove([job.id for job in forgotten])
            store.forget_keys(now - self._config.now.key_s)

        await self._board.change_store(forget)


def _is_due(job: Job, now: float) -> bool:
    """Whether its pause is over. One that is longer than any pause tells of a clock that was set back since."""
    left_s = (job.not_before or now) - now
    return left_s <= 0 or left_s > _LONGEST_PAUSE_S
