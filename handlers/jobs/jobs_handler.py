"""Jobs as REST sees them: asked for, listed, followed, cancelled, tried again and forgotten."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, assert_never

from pydantic import JsonValue, ValidationError

from api_types import JobFaultBody, JobsResponse, JobStateName, JobStreamEvent, JobSummary
from error_types import DomainError, ErrorCode, NothingFollowsError, first_fault
from handlers.jobs.feed import Progress, StreamEnded
from services.job_store.job import ENDED, RETRYABLE, CancelAsked, IllegalJobEventError, JobState, Requeued
from services.job_store.job_id import new_job_id
from services.job_store.job_store import JobNotice, JobQuery, Known, NewJob

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobExecutor, JobKinds, JobRequest
    from handlers.jobs.feed import FeedItem, JobFeed
    from handlers.jobs.scheduler import JobScheduler
    from handlers.visitors_handler import VisitorsHandler
    from runtime_config.current import Current
    from runtime_config.runtime_config import JobsConfig
    from services.clock.clock import Clock
    from services.job_store.job import Job, JobId

_LONGEST_NUMBER: Final = 19  # digits: any longer is no number that a database gives
NOBODY: Final = ""  # the owner of jobs on a server that knows no people


class JobsHandler:
    def __init__(
        self,
        board: JobBoard,
        scheduler: JobScheduler,
        feed: JobFeed,
        kinds: JobKinds,
        *,
        visitors: VisitorsHandler,
        config: Current[JobsConfig],
        clock: Clock,
    ) -> None:
        self._board = board
        self._scheduler = scheduler
        self._feed = feed
        self._kinds = kinds
        self._visitors = visitors
        self._config = config
        self._clock = clock

    # ---------------------------------------------------------------------------------------------------- asking

    async def submit(
        self, visitor: Visitor, kind: str, request: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[JobSummary, bool]:
        """Take on a job; it, and whether it is new: the same key with the same request is the same job.

        Raises:
            DomainError: there is no such kind, it cannot be done, too many are waiting, or the visitor's quota of
                pictures, as which jobs count, is used up.
        """
        executor = self._kinds.find(kind)
        if executor is None:
            raise DomainError(f"There are no jobs of the kind {kind[:40]}.", ErrorCode.JOB_KIND_UNKNOWN)
        self._visitors.require_job(visitor, kind)
        asked = _parsed(executor, request)
        await executor.check(asked)
        live = sum(entry.job.owner == NOBODY for entry in self._board.live())
        if live >= self._config.now.max_queued:
            message = f"{live} jobs are waiting already, which is the most. Try again when some have ended."
            raise DomainError(message, ErrorCode.TOO_MANY_REQUESTS)
        kept = asked.model_dump(mode="json")
        now = self._clock.wall()
        new = NewJob(id=new_job_id(now), kind=kind, owner=NOBODY, request=kept, digest=_digest(kind, kept), key=key)
        with self._visitors.picture(visitor):
            answer = await self._board.add(new)
        is_new = not isinstance(answer, Known)
        if not is_new:
            self._visitors.give_picture_back(visitor)
        return self._summary(answer.job), is_new

    async def cancel(self, job_id: JobId) -> JobSummary:
        """Have a job stop. One that has ended, or that gets its result just now, stays as it is.

        Raises:
            DomainError: there is no such job.
        """
        try:
            job = await self._board.apply(job_id, CancelAsked())
        except IllegalJobEventError:
            job = await self._found(job_id)
        if job is None:
            raise _unknown()
        self._scheduler.stop_job(job_id)
        return self._summary(job)

    async def retry(self, job_id: JobId) -> JobSummary:
        """Have a job done again that failed, was cancelled or interrupted.

        Raises:
            DomainError: there is no such job, or it did not end so.
        """
        job = await self._found(job_id)
        if job.state not in RETRYABLE:
            raise _not_retryable(job)
        try:
            again = await self._board.apply(job_id, Requeued())
        except IllegalJobEventError as error:
            raise _not_retryable(await self._found(job_id)) from error
        return self._summary(again or job)

    async def forget(self, job_id: JobId) -> None:
        """Remove a job that has ended, and its files.

        Raises:
            DomainError: there is no such job, or it has not ended.
        """
        job = await self._found(job_id)
        if not job.has_ended:
            raise DomainError("The job has not ended. Cancel it first.", ErrorCode.JOB_NOT_OVER)
        executor = self._kinds.find(job.kind)
        if executor is not None:
            await self._board.read(lambda _: executor.discard(job))
        await self._board.change_store(lambda store: store.remove([job_id]))

    # ---------------------------------------------------------------------------------------------------- looking

    async def list_jobs(
        self,
        states: Collection[JobStateName] = (),
        kind: str | None = None,
        before: JobId | None = None,
        limit: int = 100,
    ) -> JobsResponse:
        """Newest first, and the number of the newest notice, from which the events can be followed."""
        if not self._board.has_begun():
            return JobsResponse(jobs=[], newest_event=0)
        query = JobQuery(states=frozenset(JobState(state) for state in states), kind=kind, before=before, limit=limit)
        newest, jobs = await self._board.read(lambda store: (store.newest_notice(), store.query(query)))
        return JobsResponse(jobs=[self._summary(job) for job in jobs], newest_event=newest)

    async def find(self, job_id: JobId) -> JobSummary:
        """Raises: DomainError, there is no such job."""
        return self._summary(await self._found(job_id))

    async def file(self, job_id: JobId) -> Path:
        """The file that a job has made. Raises: DomainError, there is no such job, or no file of it."""
        job = await self._found(job_id)
        executor = self._kinds.find(job.kind)
        made = None
        if executor is not None and job.state is JobState.DONE:
            made = await self._board.read(lambda _: executor.file(job))
        if made is None:
            raise DomainError("There is no file of this job.", ErrorCode.JOB_HAS_NO_FILE)
        return made

    async def follow(self, seen: str | None, job_id: JobId | None = None) -> AsyncGenerator[JobStreamEvent]:
        """What has happened since the event that a reader has seen last, and what happens from then on.

        What is no number starts from the beginning. Raises: DomainError.
        """
        async for item in self._feed.follow(_cursor_of(seen), job_id=job_id):
            yield _told(item)

    async def require_unseen(self, job_id: JobId, seen: str | None) -> None:
        """Raises:
        DomainError: there is no such job.
        NothingFollowsError: it has ended, and the reader has seen all of it.
        """
        cursor = _cursor_of(seen)
        await self._found(job_id)
        if cursor and await self._feed.is_exhausted(job_id, cursor):
            raise NothingFollowsError

    # ------------------------------------------------------------------------------------------------------ parts

    async def _found(self, job_id: JobId) -> Job:
        if not self._board.has_begun():
            raise _unknown()
        job = await self._board.read(lambda store: store.find(job_id))
        if job is None:
            raise _unknown()
        return job

    def _summary(self, job: Job) -> JobSummary:
        live = self._board.find_live(job.id)
        waiting = job.state is JobState.QUEUED
        fault = None if job.fault is None else JobFaultBody(code=job.fault.code, message=job.fault.message)
        return JobSummary(
            id=job.id,
            kind=job.kind,
            state=job.state.value,
            request=dict(job.request),
            stage=job.stage,
            fraction=None if live is None else live.fraction,
            position=self._scheduler.positions().get(job.id) if waiting else None,
            result=None if job.result is None else dict(job.result),
            fault=fault,
            attempt=job.attempt,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            cancelling=job.cancel_requested_at is not None and not job.has_ended,
            can_retry=job.state in RETRYABLE,
        )


def _cursor_of(text: str | None) -> int:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER
    return int(text) if is_number and text is not None else 0


def _told(item: FeedItem) -> JobStreamEvent:
    match item:
        case JobNotice(number, job, kind, data, at):
            return JobStreamEvent(event=kind, id=str(number), data={"job": job, "at": at, **data})
        case Progress(job, stage, fraction, position):
            told: dict[str, JsonValue] = {"job": job, "stage": stage, "fraction": fraction, "position": position}
            return JobStreamEvent(event="progress", id=None, data=told)
        case StreamEnded(reason):
            return JobStreamEvent(event="end", id=None, data={"reason": reason})
        case _:
            assert_never(item)


def _parsed(executor: JobExecutor, request: Mapping[str, Any]) -> JobRequest:
    try:
        return executor.request_model.model_validate(dict(request))
    except ValidationError as error:
        raise DomainError(f"Invalid request: {first_fault(error.errors())}.", ErrorCode.INVALID_REQUEST) from error


def _digest(kind: str, request: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([kind, request], sort_keys=True).encode()).hexdigest()


def _unknown() -> DomainError:
    return DomainError("There is no such job.", ErrorCode.JOB_UNKNOWN)


def _not_retryable(job: Job) -> DomainError:
    text = "is done" if job.state in ENDED else f"is {job.state.value}"
    return DomainError(f"The job {text}, so there is nothing to try again.", ErrorCode.JOB_NOT_RETRYABLE)
