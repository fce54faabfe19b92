"""A job: work that survives the server. Which event may happen in which state, and what the job is after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

JobId: TypeAlias = str  # a ULID, so that ids are sorted by age
Json: TypeAlias = "Mapping[str, Any]"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"  # its files get their names: it can be cancelled no more
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the server stopped in the middle of it, and it cannot go on from there


ENDED: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})
RETRYABLE: Final = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class JobFault:
    """`code` is one of the server's error codes, `message` a sentence for the person who wanted the job."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file that a job has made. `path` is relative to the folder of the job, `digest` its SHA-256 (hex)."""

    role: str  # what it is to the job, such as "film"
    path: str
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Times are seconds since 1970. `owner` is empty where the server knows no people.

    `result` and `files` are there from the moment on at which the work is done, and only their place is missing.
    `deadline_at`: an attempt that has not done its work by then has failed.
    """

    id: JobId
    kind: str
    owner: str
    request: Json = field(repr=False)
    created_at: float
    state: JobState = JobState.QUEUED
    stage: str | None = None
    result: Json | None = None
    files: tuple[JobFile, ...] = ()
    fault: JobFault | None = None
    priority: int = 0  # the higher, the sooner, among the jobs of one owner
    attempt: int = 1
    epoch: str | None = None  # the run of the server that works on it
    not_before: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    cancel_requested_at: float | None = None
    deadline_at: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


# ------------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Began:
    """`limit_s`: how long it may take. A job that goes on after a restart keeps the deadline that it has."""

    epoch: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class StageReached:
    stage: str


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A queued job ends at once; a running one when whoever works on it has stopped."""


@dataclass(frozen=True, slots=True)
class FinishBegan:
    """The work is done, and lies on the disk. What is left to do can be done again, if the server ends meanwhile."""

    result: Json
    files: tuple[JobFile, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The run of the server that did the work is gone; the run `epoch` does what is left."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`files` are those that stay with the job."""

    files: tuple[JobFile, ...] = ()


@dataclass(frozen=True, slots=True)
class FilesLost:
    """Somebody has removed files of the job; these are `left`."""

    left: tuple[JobFile, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    fault: JobFault


@dataclass(frozen=True, slots=True)
class Stopped:
    """Whoever worked on it has stopped, as was asked for."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    fault: JobFault


@dataclass(frozen=True, slots=True)
class Requeued:
    """It is to be done again: by a person's wish, or after a restart of the server.

    `goes_on` with what it has done so far, so that the time that it took counts.
    """

    not_before: float | None = None
    goes_on: bool = False


JobEvent: TypeAlias = (
    Began
    | StageReached
    | CancelAsked
    | FinishBegan
    | TakenOver
    | Succeeded
    | FilesLost
    | Failed
    | Stopped
    | Interrupted
    | Requeued
)


class IllegalJobEventError(RuntimeError):
    def __init__(self, state: JobState, event: JobEvent) -> None:
        super().__init__(f"{type(event).__name__} cannot happen to a job that is {state.value}")


class NotItsWorkerError(IllegalJobEventError):
    """Another run of a server has the job by now."""

    def __init__(self, job: Job, event: JobEvent) -> None:
        super().__init__(job.state, event)
        self.add_note(f"The run {job.epoch} has it.")


# -------------------------------------------------------------------------------------------------------- transitions

_Effect: TypeAlias = "Callable[[Job, Any, float], Job]"


def _began(job: Job, event: Began, at: float) -> Job:
    deadline_at = at + event.limit_s if job.deadline_at is None else job.deadline_at
    return replace(
        job, state=JobState.RUNNING, epoch=event.epoch, started_at=at, not_before=None, deadline_at=deadline_at
    )


def _stage_reached(job: Job, event: StageReached, _: float) -> Job:
    return replace(job, stage=event.stage)


def _cancelled_at_once(job: Job, _: CancelAsked, at: float) -> Job:
    return replace(job, state=JobState.CANCELLED, cancel_requested_at=at, ended_at=at)


def _cancel_noted(job: Job, _: CancelAsked, at: float) -> Job:
    return replace(job, cancel_requested_at=job.cancel_requested_at or at)


def _finish_began(job: Job, event: FinishBegan, _: float) -> Job:
    if job.cancel_requested_at is not None:  # whoever works on it is about to be told
        raise IllegalJobEventError(job.state, event)
    return replace(job, state=JobState.FINISHING, result=event.result, files=event.files)


def _taken_over(job: Job, event: TakenOver, _: float) -> Job:
    return replace(job, epoch=event.epoch)


def _succeeded(job: Job, event: Succeeded, at: float) -> Job:
    return replace(job, state=JobState.DONE, files=event.files, ended_at=at)


def _files_lost(job: Job, event: FilesLost, _: float) -> Job:
    return replace(job, files=event.left)


def _failed(job: Job, event: Failed, at: float) -> Job:
    return replace(job, state=JobState.FAILED, fault=event.fault, result=None, files=(), ended_at=at)


def _stopped(job: Job, _: Stopped, at: float) -> Job:
    return replace(job, state=JobState.CANCELLED, ended_at=at)


def _interrupted(job: Job, event: Interrupted, at: float) -> Job:
    return replace(job, state=JobState.INTERRUPTED, fault=event.fault, result=None, files=(), ended_at=at)


def _requeued(job: Job, event: Requeued, _: float) -> Job:
    return replace(
        job,
        state=JobState.QUEUED,
        attempt=job.attempt + 1,
        not_before=event.not_before,
        epoch=None,
        stage=None,
        result=None,
        files=(),
        fault=None,
        started_at=None,
        ended_at=None,
        cancel_requested_at=None,
        deadline_at=job.deadline_at if event.goes_on else None,
    )


_QUEUED, _RUNNING, _FINISHING = JobState.QUEUED, JobState.RUNNING, JobState.FINISHING

TRANSITIONS: Final[Mapping[tuple[JobState, type[JobEvent]], _Effect]] = MappingProxyType(
    {
        (_QUEUED, Began): _began,
        (_QUEUED, CancelAsked): _cancelled_at_once,
        (_RUNNING, StageReached): _stage_reached,
        (_RUNNING, CancelAsked): _cancel_noted,
        (_RUNNING, FinishBegan): _finish_began,
        (_RUNNING, Failed): _failed,
        (_RUNNING, Stopped): _stopped,
        (_RUNNING, Interrupted): _interrupted,
        (_RUNNING, Requeued): _requeued,
        (_FINISHING, TakenOver): _taken_over,
        (_FINISHING, Succeeded): _succeeded,
        (_FINISHING, Failed): _failed,
        (_FINISHING, Interrupted): _interrupted,
        (_FINISHING, Requeued): _requeued,
        (JobState.DONE, FilesLost): _files_lost,
        (JobState.FAILED, Requeued): _requeued,
        (JobState.CANCELLED, Requeued): _requeued,
        (JobState.INTERRUPTED, Requeued): _requeued,
    }
)


def after(job: Job, event: JobEvent, at: float, *, worker: str | None = None) -> Job:
    """The job once `event` has happened to it. `worker`: it may only happen while that run of a server has the job.

    Raises: IllegalJobEventError.
    """
    if worker is not None and job.epoch != worker:
        raise NotItsWorkerError(job, event)
    effect = TRANSITIONS.get((job.state, type(event)))
    if effect is None:
        raise IllegalJobEventError(job.state, event)
    return effect(job, event, at)
