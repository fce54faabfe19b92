"""One job, from its turn to its end: the work, its deadline, and the place of what it has made."""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.jobs.executor import AfterRestart, Made, RunningJob
from handlers.service_errors import service_errors_translated
from services.job_store.job import (
    Began,
    Failed,
    FinishBegan,
    IllegalJobEventError,
    JobFault,
    JobState,
    Stopped,
    Succeeded,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobExecutor
    from services.clock.clock import Clock
    from services.job_folder.job_folder import JobFolder
    from services.job_store.job import Job, JobEvent, JobId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

WRITE_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0)  # between attempts to keep what has become of a job; the last repeats
_FINISH_LIMIT_S: Final = 120.0
_DISK_FULL: Final = JobFault(
    ErrorCode.JOB_NOT_KEPT.value, "The disk is full. The job can be tried again when there is room."
)
_MISTAKE: Final = JobFault(ErrorCode.INTERNAL.value, "The server made a mistake; its log has the details.")


class JobRunner:
    def __init__(self, board: JobBoard, folder: JobFolder, threads: Executor, clock: Clock) -> None:
        self._board = board
        self._folder = folder
        self._threads = threads
        self._clock = clock
        self._working: dict[JobId, asyncio.Task[FinishBegan]] = {}

    async def run(self, job: Job, executor: JobExecutor) -> Job | None:
        """Do a job that is queued; it as it ended. None: it did not even begin."""
        begun = await self._begin(job, executor)
        if begun is None:
            return None
        with structlog.contextvars.bound_contextvars(job=job.id, kind=job.kind):
            logger.info("A job began", attempt=begun.attempt)
            event = await self._outcome(begun, executor)
            if not isinstance(event, FinishBegan):
                await self._clear(job.id, executor)
            kept = await self._keep(job.id, event)
            if kept is None and isinstance(event, FinishBegan):  # it was cancelled before that could be kept
                await self._clear(job.id, executor)
                kept = await self._keep(job.id, Stopped())
            if kept is not None and kept.state is JobState.FINISHING:
                kept = await self.finish(kept, executor)
            logger.info("A job ended", outcome=None if kept is None else kept.state.value)
            return kept

    async def finish(self, job: Job, executor: JobExecutor) -> Job | None:
        """Bring a job to its end whose work is done, perhaps in an earlier run of the server."""
        event: JobEvent
        try:
            request = executor.request_model.model_validate(dict(job.request))
            async with asyncio.timeout(_FINISH_LIMIT_S):
                folder = await self._prepared(job.id, goes_on=True)
                await executor.finish(request, job, folder)
        except TimeoutError:
            message = f"What was made could not be given its place within {_FINISH_LIMIT_S:.0f} s."
            event = Failed(JobFault(ErrorCode.REQUEST_TIMEOUT.value, message))
        except Exception as error:  # noqa: BLE001 - the boundary of a job, which logs it
            event = _failed(error)
        else:
            event = Succeeded(job.files if executor.keeps_files else ())
        if isinstance(event, Failed):
            await self._clear(job.id, executor)
        ended = await self._keep(job.id, event)
        if ended is not None and ended.state is JobState.DONE and not ended.files:
            await in_thread(self._threads, lambda: self._folder.remove(job.id))
        return ended

    def stop(self, job_id: JobId) -> None:
        """Have the work on a job stop that was asked to, or that another server has; the board has noted it already."""
        work = self._working.get(job_id)
        if work is not None and not work.cancelling():  # a second time would cut short what it gives back
            work.cancel()

    @property
    def working(self) -> list[asyncio.Task[FinishBegan]]:
        """The work on each job that runs."""
        return list(self._working.values())

    # ------------------------------------------------------------------------------------------------------ parts

    async def _begin(self, job: Job, executor: JobExecutor) -> Job | None:
        try:
            return await self._board.apply(job.id, Began(self._board.epoch, executor.limit_s))
        except IllegalJobEventError:  # it was cancelled a moment ago, or another server was quicker
            with suppress(DomainError):  # else it would be tried at once again
                await self._board.take_up(job.id)
            return None
        except DomainError as error:  # the database cannot be written: so not now
            logger.warning("A job cannot begin", job=job.id, reason=error.message)
            await asyncio.sleep(WRITE_AGAIN_S[-1])
            return None

    async def _outcome(self, job: Job, executor: JobExecutor) -> JobEvent:
        """The boundary of a job: whatever happens becomes an event. Cancelled by the server's stop, it says nothing."""
        work = self._working[job.id] = asyncio.create_task(self._work(job, executor))
        live = self._board.find_live(job.id)
        if live is not None and live.job.cancel_requested_at is not None:  # asked for before there was a task
            work.cancel()
        try:
            await asyncio.wait({work})
        finally:
            del self._working[job.id]
            work.cancel()
        if work.cancelled():
            return Stopped()
        error = work.exception()
        match error:
            case None:
                return work.result()
            case DomainError(code=ErrorCode.CANCELLED):
                return Stopped()
            case _:
                return _failed(error)

    async def _work(self, job: Job, executor: JobExecutor) -> FinishBegan:
        request = executor.request_model.model_validate(dict(job.request))
        limit_s = executor.limit_s
        if job.deadline_at is not None:  # a clock that was set back makes it no longer
            limit_s = min(limit_s, max(0.0, job.deadline_at - self._clock.wall()))
        try:
            async with asyncio.timeout(limit_s):
                folder = await self._prepared(job.id, goes_on=executor.after_restart is AfterRestart.GOES_ON)
                running = RunningJob(job, self._board, folder)
                try:
                    made = await executor.run(request, running)
                finally:
                    await running.told()
        except TimeoutError as error:
            message = f"This took longer than {executor.limit_s:.0f} s."
            raise DomainError(message, ErrorCode.REQUEST_TIMEOUT) from error
        return await in_thread(self._threads, lambda: self._sealed(job.id, made))

    async def _clear(self, job_id: JobId, executor: JobExecutor) -> None:
        """Remove what was not finished, before it is told: on a full disk it may be what takes the room for that.

        What lies in the folder of a job that another server has by now is that server's.
        """
        live = self._board.find_live(job_id)
        is_ours = live is not None and live.job.epoch == self._board.epoch
        if is_ours and executor.after_restart is not AfterRestart.GOES_ON:
            await in_thread(self._threads, lambda: self._folder.remove(job_id))

    async def _prepared(self, job_id: JobId, *, goes_on: bool) -> Path:
        def prepare() -> Path:
            with service_errors_translated():
                return self._folder.prepare(job_id, goes_on=goes_on)

        return await in_thread(self._threads, prepare)

    def _sealed(self, job_id: JobId, made: Made) -> FinishBegan:
        with service_errors_translated():
            files = tuple(self._folder.seal(job_id, file.role, file.name) for file in made.files)
        return FinishBegan(made.result, files)

    async def _keep(self, job_id: JobId, event: JobEvent) -> Job | None:
        """Until it is kept, as a full disk gets room again. None: it cannot happen to the job any more."""
        attempt = 0
        while True:
            try:
                return await self._board.apply(job_id, event, worker=self._board.epoch)
            except IllegalJobEventError as error:  # it was cancelled, or another server has it
                logger.info("A job has come to something else meanwhile", reason=str(error))
                return None
            except DomainError as error:
                logger.warning("What became of a job cannot be kept yet", reason=error.message)
                await asyncio.sleep(WRITE_AGAIN_S[min(attempt, len(WRITE_AGAIN_S) - 1)])
                attempt += 1


def _failed(error: BaseException) -> Failed:
    match error:
        case DomainError():
            logger.info("A job failed", code=error.code.value, reason=error.message)
            return Failed(JobFault(error.code.value, error.message))
        case OSError(errno=errno.ENOSPC):
            logger.warning("A job failed, as the disk is full")
            return Failed(_DISK_FULL)
        case _:
            logger.exception("A job failed", exc_info=error)
            return Failed(_MISTAKE)
