"""A kind of job: what it may be asked for, what it needs, and the work itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict

from error_types import DomainError
from services.job_store.job import IllegalJobEventError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.board import JobBoard
    from services.job_store.job import Job, JobId, Json
    from services.ownership_store.ownership_store import OwnerId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Jobs that need the same thing follow one another; those that do not run side by side.
Resource: TypeAlias = Literal["models", "cpu", "network"]


class JobRequest(BaseModel):
    """What a job is asked for. It is kept in the database, so a later version must still read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunningJob:
    """What an executor tells of its work, on the event loop."""

    def __init__(self, job: Job, board: JobBoard) -> None:
        self.job = job
        self._board = board
        self._stage: str | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def owner(self) -> OwnerId:
        """To whom belongs what it makes; somebody who is removed meanwhile leaves it to the owner role."""
        live = self._board.find_live(self.job.id)
        return (self.job if live is None else live.job).owner

    def tell(self, stage: str, fraction: float | None = None) -> None:
        """The work has come to a stage, and so much of that is done, 0 to 1. May be called as often as one likes.

        A new stage is kept, and told to everybody who follows; fractions are told, and not kept.
        """
        is_new = stage != self._stage
        if is_new:
            self._stage = stage
            task = asyncio.create_task(self._reach(stage))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        if is_new or fraction is not None:
            self._board.progress(self.job.id, fraction)

    async def begin_finish(self) -> None:
        """From here on the job cannot be cancelled: what it has made gets its place.

        Raises:
            DomainError: it was cancelled a moment ago, or the database cannot be written.
        """
        await self.told()
        await self._board.begin_finish(self.job.id)

    async def told(self) -> None:
        """Wait until every stage is kept."""
        if self._telling:
            await asyncio.wait(set(self._telling))

    async def _reach(self, stage: str) -> None:
        try:
            await self._board.reach(self.job.id, stage)
        except IllegalJobEventError:  # it has just ended
            return
        except DomainError as error:  # the work goes on without it
            logger.warning("The stage of a job cannot be kept", job=self.job.id, stage=stage, reason=error.message)


class JobExecutor(Protocol):
    """`check` and `run` get a `request_model`. `run` is cancelled to stop the work, and gives back what it took.

    `limit_s` is how long it may take. `begins_again`: after a restart of the server it is done anew by itself;
    otherwise it is told as interrupted, and a person may retry it.
    """

    @property
    def kind(self) -> str: ...

    @property
    def resource(self) -> Resource: ...

    @property
    def limit_s(self) -> float: ...

    @property
    def begins_again(self) -> bool: ...

    @property
    def request_model(self) -> type[JobRequest]: ...

    async def check(self, visitor: Visitor, request: Any) -> None:
        """Whether the visitor can have such a job taken on now. Raises: DomainError."""
        ...

    async def run(self, request: Any, running: RunningJob) -> Json:
        """Do it; the result, which is kept as JSON. Raises: DomainError, what the person who wanted it has to know."""
        ...

    def file(self, job: Job) -> Path | None:
        """The file that a job that is done has made, if it has made one. Blocks, as do the following."""
        ...

    def discard(self, job: Job) -> None:
        """The job is forgotten: remove the files that are its own."""
        ...

    def sweep(self, known: Collection[JobId]) -> None:
        """Called at the start, before anything runs: remove the files of jobs other than those that are known."""
        ...


@dataclass(frozen=True, slots=True)
class JobKinds:
    """Every kind of job that this server knows, by its name."""

    executors: tuple[JobExecutor, ...]

    def find(self, kind: str) -> JobExecutor | None:
        return next((executor for executor in self.executors if executor.kind == kind), None)

    def of(self, resource: Resource) -> frozenset[str]:
        return frozenset(executor.kind for executor in self.executors if executor.resource == resource)
