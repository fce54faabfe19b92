"""A kind of job: what it may be asked for, what it needs, and the work itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from handlers.jobs.board import JobBoard
    from services.job_store.job import Job, JobId, Json

# Jobs that need the same thing follow one another; those that do not run side by side.
Resource: TypeAlias = Literal["models", "cpu", "network"]


class JobRequest(BaseModel):
    """What a job is asked for. It is kept in the database, so a later version must still read it."""

    model_config = {"frozen": True, "extra": "forbid"}


class RunningJob:
    """What an executor tells of its work."""

    def __init__(self, job: Job, board: JobBoard) -> None:
        self.job = job
        self._board = board

    async def reach(self, stage: str) -> None:
        """The next stage of the work has begun: kept, and told to everybody who follows."""
        await self._board.reach(self.job.id, stage)

    def progress(self, fraction: float) -> None:
        """How much of the stage is done, 0 to 1. It is told, and not kept. May be called often, from the event loop."""
        self._board.progress(self.job.id, fraction)

    async def begin_finish(self) -> None:
        """From here on the job cannot be cancelled: what it has made gets its place."""
        await self._board.begin_finish(self.job.id)


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

    async def check(self, request: Any) -> None:
        """Whether such a job can be taken on now. Raises: DomainError."""
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
