"""Jobs as REST sees them: asked for, listed, followed, cancelled, tried again and forgotten."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, assert_never

from pydantic import JsonValue, ValidationError

from access_rules import is_foreign, sees_all
from api_types import (
    JobEventsResponse,
    JobFaultBody,
    JobFileBody,
    JobsResponse,
    JobStateName,
    JobStreamEvent,
    JobSummary,
)
from error_types import DomainError, ErrorCode, NothingFollowsError, first_fault
from handlers.jobs.feed import Progress, StreamEnded
from handlers.jobs.outlook import Outlook
from handlers.ownership.belongings import owner_id
from services.feedback_store.feedback_store import FeedbackKind, Subject
from services.job_store.job import ENDED, RETRYABLE, CancelAsked, IllegalJobEventError, JobState, Requeued
from services.job_store.job_id import new_job_id
from services.job_store.job_store import JobNotice, JobQuery, Known, NewJob
from services.job_store.notices import described, media_type_of
from services.ownership_store.ownership_store import OWNER_ROLE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
    from pathlib import Path

    from access_rules import Visitor
    from handlers.feedback.book import FeedbackBook
    from handlers.jobs.board import JobBoard
    from handlers.jobs.executor import JobExecutor, JobKinds, JobRequest
    from handlers.jobs.feed import FeedItem, JobFeed
    from handlers.jobs.retention import JobRetention
    from handlers.jobs.runner import JobRunner
    from handlers.jobs.scheduler import JobScheduler
    from handlers.ownership.belongings import Belongings
    from handlers.visitors_handler import VisitorsHandler
    from runtime_config.current import Current
    from runtime_config.runtime_config import JobsConfig
    from services.clock.clock import Clock
    from services.job_folder.job_folder import JobFolder
    from services.job_store.job import Job, JobId
    from services.ownership_store.ownership_store import OwnerId

_LONGEST_NUMBER: Final = 19  # digits: any longer is no number that a database gives


class JobsHandler:
    def __init__(
        self,
        board: JobBoard,
        scheduler: JobScheduler,
        feed: JobFeed,
        kinds: JobKinds,
        runner: JobRunner,
        retention: JobRetention,
        *,
        folder: JobFolder,
        visitors: VisitorsHandler,
        belongings: Belongings,
        feedback: FeedbackBook,
        config: Current[JobsConfig],
        clock: Clock,
    ) -> None:
        self._board = board
        self._scheduler = scheduler
        self._feed = feed
        self._kinds = kinds
        self._runner = runner
        self._retention = retention
        self._folder = folder
        self._visitors = visitors
        self._belongings = belongings
        self._feedback = feedback
        self._config = config
        self._clock = clock

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(executor.kind for executor in self._kinds.executors)

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
        await executor.check(visitor, asked)
        owner = owner_id(visitor)
        live = sum(entry.job.owner == owner for entry in self._board.live())
        if live >= self._config.now.max_queued:
            message = f"{live} jobs are waiting already, which is the most. Try again when some have ended."
            raise DomainError(message, ErrorCode.TOO_MANY_REQUESTS)
        kept = asked.model_dump(mode="json")
        now = self._clock.wall()
        new = NewJob(id=new_job_id(now), kind=kind, owner=owner, request=kept, digest=_digest(kind, kept), key=key)
        with self._visitors.picture(visitor):
            answer = await self._board.add(new)
        is_new = not isinstance(answer, Known)
        if not is_new:
            self._visitors.give_picture_back(visitor)
        return await self._summary(visitor, answer.job), is_new

    async def cancel(self, visitor: Visitor, job_id: JobId) -> JobSummary:
        """Have a job stop. One that has ended, or that gets its result just now, stays as it is.

        Raises:
            DomainError: there is no such job.
        """
        await self._found(visitor, job_id)
        try:
            job = await self._board.apply(job_id, CancelAsked())
        except IllegalJobEventError:
            return await self.find(visitor, job_id)
        if job is None:
            raise _unknown()
        self._runner.stop(job_id)
        return await self._summary(visitor, job)

    async def retry(self, visitor: Visitor, job_id: JobId) -> JobSummary:
        """Have a job done again that failed, was cancelled or interrupted.

        Raises:
            DomainError: there is no such job, or it did not end so.
        """
        job = await self._found(visitor, job_id)
        if job.state not in RETRYABLE:
            raise _not_retryable(job)
        try:
            again = await self._board.apply(job_id, Requeued())
        except IllegalJobEventError as error:
            raise _not_retryable(await self._found(visitor, job_id)) from error
        return await self._summary(visitor, again or job)

    async def forget(self, visitor: Visitor, job_id: JobId) -> None:
        """Remove a job that has ended, with its files and what was said of it.

        Raises:
            DomainError: there is no such job, or it has not ended.
        """
        job = await self._found(visitor, job_id)
        if not job.has_ended:
            raise DomainError("The job has not ended. Cancel it first.", ErrorCode.JOB_NOT_OVER)
        await self._retention.forget([job_id])
        await self._board.read(lambda _: self._feedback.forget(Subject(FeedbackKind.JOB, job_id)))

    # ---------------------------------------------------------------------------------------------------- looking

    async def list_jobs(
        self,
        visitor: Visitor,
        states: Collection[JobStateName] = (),
        kind: str | None = None,
        before: JobId | None = None,
        limit: int = 100,
    ) -> JobsResponse:
        """The visitor's, newest first, and the number of the newest notice, from which the events can be followed."""
        if not self._board.has_begun():
            return JobsResponse(jobs=[], newest_event=0)
        query = JobQuery(
            owner=_own_alone(visitor),
            states=frozenset(JobState(state) for state in states),
            kind=kind,
            before=before,
            limit=limit,
        )
        newest, jobs = await self._board.read(lambda store: (store.newest_notice(), store.query(query)))
        return JobsResponse(jobs=await self._summaries(visitor, jobs), newest_event=newest)

    async def find(self, visitor: Visitor, job_id: JobId) -> JobSummary:
        """Raises: DomainError, there is no such job."""
        return await self._summary(visitor, await self._found(visitor, job_id))

    async def with_key(self, visitor: Visitor, key: str) -> JobSummary | None:
        """The visitor's job that came with an idempotency key; None: none did. Raises: DomainError."""
        if not self._board.has_begun():
            return None
        query = JobQuery(owner=owner_id(visitor), key=key, limit=1)
        jobs = await self._board.read(lambda store: store.query(query))
        return await self._summary(visitor, jobs[0]) if jobs else None

    async def file(self, visitor: Visitor, job_id: JobId, role: str | None = None) -> Path:
        """The first file that a job has made, of a role if one is named. Raises: DomainError, there is none."""
        job = await self._found(visitor, job_id)
        wanted = next((file for file in job.files if role in (None, file.role)), None)
        made = None
        if wanted is not None and job.state is JobState.DONE:
            made = await self._board.read(lambda _: self._folder.find(job_id, wanted))
        if made is None:
            raise DomainError("There is no such file of this job.", ErrorCode.JOB_HAS_NO_FILE)
        return made

    def media_type_of(self, file: Path) -> str:
        return media_type_of(file.name)

    async def events(self, visitor: Visitor, job_id: JobId, seen: str | None, limit: int) -> JobEventsResponse:
        """What has happened to a job since an event, oldest first. Raises: DomainError, there is no such job."""
        await self._found(visitor, job_id)
        after = _cursor_of(seen)
        notices = await self._board.read(lambda store: store.notices(after, job=job_id, limit=limit))
        return JobEventsResponse(events=[_told(notice) for notice in notices])

    async def follow(
        self, visitor: Visitor, seen: str | None, job_id: JobId | None = None
    ) -> AsyncGenerator[JobStreamEvent]:
        """What has happened to the visitor's jobs, or to one of them, and what happens from then on.

        It begins after the event that a reader has seen last; what is no number, at the beginning. Raises: DomainError.
        """
        async for item in self._feed.follow(_cursor_of(seen), owner=_own_alone(visitor), job_id=job_id):
            yield _told(item)

    async def require_unseen(self, visitor: Visitor, job_id: JobId, seen: str | None) -> None:
        """Raises:
        DomainError: there is no such job.
        NothingFollowsError: it has ended, and the reader has seen all of it.
        """
        cursor = _cursor_of(seen)
        await self._found(visitor, job_id)
        if cursor and await self._feed.is_exhausted(job_id, cursor):
            raise NothingFollowsError

    # ------------------------------------------------------------------------------------------------------ parts

    async def disown(self, owner: OwnerId) -> None:
        """Somebody is gone: their jobs are the owner role's."""
        if self._board.has_begun():
            await self._board.disown(owner)

    async def _found(self, visitor: Visitor, job_id: JobId) -> Job:
        if not self._board.has_begun():
            raise _unknown()
        job = await self._board.read(lambda store: store.find(job_id))
        if job is None or is_foreign(visitor, job.owner or None):
            raise _unknown()
        return job

    async def _summary(self, visitor: Visitor, job: Job) -> JobSummary:
        return (await self._summaries(visitor, [job]))[0]

    async def _summaries(self, visitor: Visitor, jobs: Sequence[Job]) -> list[JobSummary]:
        """One look at the whole queue, and one at the names of people, for all of them."""
        outlooks: Mapping[JobId, Outlook] = {}
        if not all(job.has_ended for job in jobs):
            outlooks = self._scheduler.outlooks()
        owners = {job.owner for job in jobs} - {OWNER_ROLE}
        names: Mapping[OwnerId, str] = {}
        if owners and sees_all(visitor):
            names = await self._board.read(lambda _: self._belongings.names_of(visitor, owners))
        return [self._told_of(job, outlooks.get(job.id) or Outlook(), names.get(job.owner)) for job in jobs]

    def _told_of(self, job: Job, outlook: Outlook, owner: str | None) -> JobSummary:
        live = self._board.find_live(job.id)
        is_done = job.state is JobState.DONE
        fault = None if job.fault is None else JobFaultBody(code=job.fault.code, message=job.fault.message)
        return JobSummary(
            id=job.id,
            kind=job.kind,
            state=job.state.value,
            request=self._listed(job),
            stage=job.stage,
            fraction=None if live is None else live.fraction,
            amounts=_amounts(None if live is None else live.amounts),
            position=outlook.position,
            waiting_s=_whole(outlook.waiting_s),
            remaining_s=_whole(outlook.remaining_s),
            result=dict(job.result) if is_done and job.result is not None else None,
            files=[JobFileBody(**described(file)) for file in job.files] if is_done else [],
            fault=fault,
            attempt=job.attempt,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            deadline_at=job.deadline_at if job.state is JobState.RUNNING else None,
            cancelling=job.cancel_requested_at is not None and not job.has_ended,
            can_retry=job.state in RETRYABLE,
            owner=owner,
        )

    def _listed(self, job: Job) -> dict[str, Any]:
        executor = self._kinds.find(job.kind)
        return dict(job.request if executor is None else executor.listed(job.request))


def _own_alone(visitor: Visitor) -> OwnerId | None:
    """Whose jobs a visitor sees; None: everybody's."""
    return None if sees_all(visitor) else owner_id(visitor)


def _cursor_of(text: str | None) -> int:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER
    return int(text) if is_number and text is not None else 0


def _told(item: FeedItem) -> JobStreamEvent:
    match item:
        case JobNotice(number, job, kind, data, at):
            return JobStreamEvent(event=kind, id=str(number), data={"job": job, "at": at, **data})
        case Progress(job, stage, fraction, outlook, amounts):
            told: dict[str, JsonValue] = {
                "job": job,
                "stage": stage,
                "fraction": fraction,
                "amounts": _amounts(amounts),
                "position": outlook.position,
                "waiting_s": _whole(outlook.waiting_s),
                "remaining_s": _whole(outlook.remaining_s),
            }
            return JobStreamEvent(event="progress", id=None, data=told)
        case StreamEnded(reason):
            return JobStreamEvent(event="end", id=None, data={"reason": reason})
        case _:
            assert_never(item)


def _amounts(amounts: Mapping[str, int] | None) -> dict[str, JsonValue] | None:
    return None if amounts is None else dict(amounts)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


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
