"""A kind of job: what it may be asked for, what it needs, and the work itself."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict

from error_types import DomainError
from services.job_store.job import IllegalJobEventError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.board import JobBoard
    from services.job_store.job import Job, Json

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Jobs that need the same thing follow one another; those that do not run side by side.
Resource: TypeAlias = Literal["models", "cpu", "network", "download"]


class JobRequest(BaseModel):
    """What a job is asked for. It is kept in the database, so a later version must still read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AfterRestart(Enum):
    """What becomes of a job whose work was not done when the server ended."""

    GOES_ON = auto()  # from the files that it finds in its folder; the time that it took counts
    BEGINS_AGAIN = auto()
    IS_INTERRUPTED = auto()  # a person may retry it


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file in the folder of the job, by its plain name. `role` is what it is to the job, such as "film"."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """What the work has come to. `result` is kept as JSON."""

    result: Json
    files: tuple[MadeFile, ...] = ()


class RunningJob:
    """What an executor knows of a job while it works on it, and what it tells of its work, on the event loop.

    Files that the job makes are written into `folder`, which is empty, or holds what an earlier attempt has left if
    the kind goes on from there.
    """

    def __init__(self, job: Job, board: JobBoard, folder: Path) -> None:
        self.job = job
        self.folder = folder
        self._board = board
        self._stage: str | None = None
        self._fraction: float | None = None
        self._amounts: Mapping[str, int] | None = None
        self._reached: list[str] = []  # and not kept yet
        self._telling: asyncio.Task[None] | None = None

    def tell(self, stage: str, fraction: float | None = None, amounts: Mapping[str, int] | None = None) -> None:
        """The work has come to a stage, and so much of that is done, 0 to 1. May be called as often as one likes.

        `amounts` say the same in numbers for people, by names such as `done_bytes`.
        A new stage is kept, and told to everybody who follows; fractions are told, and not kept.
        """
        self._fraction, self._amounts = fraction, amounts
        if stage != self._stage:
            self._stage = stage
            self._reached.append(stage)
            if self._telling is None:
                self._telling = asyncio.create_task(self._keep_reached())
        elif fraction is not None and self._telling is None:  # else it is told with its stage
            self._board.progress(self.job.id, fraction, amounts)

    async def told(self) -> None:
        """Wait until every stage is kept."""
        if self._telling is not None:
            await asyncio.wait({self._telling})

    async def _keep_reached(self) -> None:
        while self._reached:
            reached, self._reached = self._reached, []
            try:
                await self._board.reach(self.job.id, reached)
            except IllegalJobEventError:  # it has just ended
                break
            except DomainError as error:  # the work goes on without it
                logger.warning(
                    "Stages of a job cannot be kept", job=self.job.id, last=reached[-1], reason=error.message
                )
        self._telling = None
        if self._fraction is not None:
            self._board.progress(self.job.id, self._fraction, self._amounts)


class JobExecutor(ABC):
    """One kind of job. `check`, `run` and `finish` get a `request_model`.

    `kind` is its name, `limit_s` how long the work may take. `stages` are what it tells, in their order, as far as
    they are known; from them the time that is left is estimated. `keeps_files`: its files stay with the job; otherwise
    `finish` brings them elsewhere, and they go when it has.
    """

    kind: str
    resource: Resource
    limit_s: float
    request_model: type[JobRequest]
    stages: tuple[str, ...] = ()
    after_restart: AfterRestart = AfterRestart.BEGINS_AGAIN
    keeps_files: bool = True

    async def check(self, visitor: Visitor, request: Any) -> None:
        """Whether the visitor can have such a job taken on now. Raises: DomainError."""
        del visitor, request

    def listed(self, request: Json) -> Json:
        """What those who look at jobs are told of a request: it, or what fits into a list."""
        return request

    @abstractmethod
    async def run(self, request: Any, running: RunningJob) -> Made:
        """The work. It is cancelled to stop it, and gives back what it took.

        Raises:
            DomainError: what the person who wanted it has to know.
        """

    async def finish(self, request: Any, job: Job, folder: Path) -> None:
        """Give what was made its place. It is not cancelled, and done again if the server ends in the middle.

        Raises:
            DomainError: what the person who wanted it has to know.
        """
        del request, job, folder


@dataclass(frozen=True, slots=True)
class JobKinds:
    """Every kind of job that this server knows, by its name."""

    executors: tuple[JobExecutor, ...]

    def find(self, kind: str) -> JobExecutor | None:
        return next((executor for executor in self.executors if executor.kind == kind), None)

    def request_models(self) -> Mapping[str, type[JobRequest]]:
        return {executor.kind: executor.request_model for executor in self.executors}

    def of(self, resource: Resource) -> frozenset[str]:
        return frozenset(executor.kind for executor in self.executors if executor.resource == resource)
