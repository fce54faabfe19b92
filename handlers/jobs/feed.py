"""What happens to jobs, as a stream: every notice once and in order, and progress as often as it is worth telling."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from handlers.jobs.outlook import Outlook
from services.job_store.job_store import JobNotice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from handlers.jobs.board import JobBoard
    from handlers.jobs.scheduler import JobScheduler
    from services.job_store.job import JobId

_PAGE: Final = 500
_LEAST_CHANGE_S: Final = 5.0  # of an expected time, below which it is no news
_LEAST_CHANGE: Final = 0.2
_UNKNOWN: Final = Outlook()
_TICK_S: Final = 0.25  # between two messages about progress


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` of the present stage is done, which `amounts` count."""

    job: JobId
    stage: str | None
    fraction: float | None
    outlook: Outlook
    amounts: Mapping[str, int] | None = None

    def says_more_than(self, told: Progress | None) -> bool:
        """Of the times, only what differs by much: they change all the time, and there may be thousands of jobs."""
        if told is None:
            return True
        known, new = told.outlook, self.outlook
        return (
            (told.stage, told.fraction, told.amounts, known.position)
            != (self.stage, self.fraction, self.amounts, new.position)
            or _differs(known.waiting_s, new.waiting_s)
            or _differs(known.remaining_s, new.remaining_s)
        )


def _differs(told: float | None, present: float | None) -> bool:
    if told is None or present is None:
        return told is not present
    return abs(told - present) >= max(_LEAST_CHANGE_S, _LEAST_CHANGE * told)


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """Nothing follows. `finished`: the job has ended. `shutdown`: the server stops; a reader may come back later."""

    reason: Literal["finished", "shutdown"]


FeedItem: TypeAlias = JobNotice | Progress | StreamEnded


class JobFeed:
    """Readers follow the rows of the database by their numbers, so that nothing is lost over any restart."""

    def __init__(self, board: JobBoard, scheduler: JobScheduler) -> None:
        self._board = board
        self._scheduler = scheduler
        self._is_stopping = False

    def stop(self) -> None:
        """End every stream, now and to come."""
        self._is_stopping = True
        self._board.changes.announce()

    async def is_exhausted(self, job_id: JobId, after: int) -> bool:
        """Whether a job has ended, and a reader has seen all of it."""
        job = await self._board.read(lambda store: store.find(job_id))
        left = await self._board.read(lambda store: store.notices(after, job=job_id, limit=1))
        return (job is None or job.has_ended) and not left

    async def follow(
        self, after: int, *, owner: str | None = None, job_id: JobId | None = None
    ) -> AsyncGenerator[FeedItem]:
        """What has happened since a number, and what happens from then on; of one job until its end.

        Raises:
            DomainError: the database cannot be read.
        """
        read_at = -1
        told: dict[JobId, Progress] = {}
        while True:
            mark, writes = self._board.changes.mark(), self._board.writes
            if writes != read_at and self._board.has_begun():
                notices = await self._board.read(
                    lambda store, after=after: store.notices(after, owner=owner, job=job_id, limit=_PAGE)
                )
                for notice in notices:
                    after = notice.number
                    yield notice
                if len(notices) == _PAGE:
                    continue
                read_at = writes
            if job_id is not None and self._board.find_live(job_id) is None and await self.is_exhausted(job_id, after):
                yield StreamEnded("finished")
                return
            if self._is_stopping:
                yield StreamEnded("shutdown")
                return
            present = self._present(owner, job_id)
            for progress in present.values():
                if progress.says_more_than(told.get(progress.job)):
                    yield progress
                    told[progress.job] = progress
            told = {job: progress for job, progress in told.items() if job in present}
            is_counted_down = any(progress.outlook.remaining_s is not None for progress in present.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAST_CHANGE_S if is_counted_down else None):
                    await self._board.changes.after(mark)
            if present and not self._is_stopping:
                await asyncio.sleep(_TICK_S)

    def _present(self, owner: str | None, job_id: JobId | None) -> dict[JobId, Progress]:
        """The progress of the live jobs that a reader may see."""
        outlooks = self._scheduler.outlooks()
        return {
            live.job.id: Progress(
                live.job.id, live.job.stage, live.fraction, outlooks.get(live.job.id, _UNKNOWN), live.amounts
            )
            for live in self._board.live()
            if owner in (None, live.job.owner) and job_id in (None, live.job.id)
        }
