"""Where jobs are kept. A transition and its event are one step, so that whoever follows the events misses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from services.job_store.job import Job, JobEvent, JobId, JobState, Json


NoticeKind: TypeAlias = Literal["state", "stage", "cancelling"]


class JobStoreFault(StrEnum):
    KEY_REUSED = "keyReused"  # the idempotency key came before, with another request
    UNAVAILABLE = "unavailable"  # the database cannot be opened or used
    BUSY = "busy"
    FULL = "full"  # no room on the disk


class JobStoreError(RuntimeError):
    """`str()` is a sentence. Nothing has changed."""

    def __init__(self, fault: JobStoreFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """`digest` is a hash of the request, by which a repeated one is known; `key` is the client's idempotency key."""

    id: JobId
    kind: str
    owner: str
    request: Json
    digest: str
    key: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    job: Job


@dataclass(frozen=True, slots=True)
class Known:
    """The same request came before, with the same key."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobNotice:
    """What happened to a job. `number` rises over all jobs in the order in which readers can see them."""

    number: int
    job: JobId
    kind: NoticeKind
    data: Json
    at: float


@dataclass(frozen=True, slots=True)
class JobQuery:
    """`owner` None: of everybody. `before` is the id of a job: those that are older than it. Newest first.

    `key`: the job of an owner that came with this idempotency key.
    """

    owner: str | None = None
    key: str | None = None
    states: Collection[JobState] = ()  # empty: any
    kind: str | None = None
    before: JobId | None = None
    limit: int = 100


class JobStore(Protocol):
    """Every method blocks, may be called from any thread, and raises `JobStoreError` where the database fails."""

    def add(self, new: NewJob, at: float) -> Accepted | Known: ...

    def find(self, job_id: JobId) -> Job | None: ...

    def query(self, query: JobQuery) -> Sequence[Job]: ...

    def counts(self, owner: str) -> Mapping[JobState, int]:
        """How many jobs an owner has in each state; states without any may be left out."""
        ...

    def apply(self, job_id: JobId, event: JobEvent, at: float, *, worker: str | None = None) -> Job | None:
        """Have `event` happen; the job after it. None: there is no such job.

        Of several servers that have the same event happen at the same moment, one does. `worker`: only while that run
        of a server has the job, so that one that was taken for gone changes nothing when it comes back.

        Raises:
            IllegalJobEventError: it cannot happen in the state in which the job is.
            NotItsWorkerError: another run has it.
        """
        ...

    def apply_all(
        self, job_id: JobId, events: Sequence[JobEvent], at: float, *, worker: str | None = None
    ) -> Job | None:
        """Have several events happen to a job, in their order: all of them or none."""
        ...

    def notices(
        self, after: int, *, owner: str | None = None, job: JobId | None = None, limit: int = 500
    ) -> Sequence[JobNotice]:
        """What has happened since a number, oldest first; of one owner's jobs, or of one job, or of all."""
        ...

    def newest_notice(self) -> int:
        """The number of the newest notice there has ever been; 0: there was none."""
        ...

    def remove(self, job_ids: Collection[JobId]) -> None:
        """Forget jobs and what happened to them. Those that are not there are no mistake."""
        ...

    def disown(self, owner: str) -> None:
        """Give the jobs of somebody who is gone to the owner role, with what happened to them; their keys are free."""
        ...

    def forget_keys(self, before: float) -> None:
        """Let the idempotency keys of jobs be used again that were accepted before a time."""
        ...


class JobStores(Protocol):
    """How the store is reached. Opening it costs time and memory, so a server without jobs never does."""

    def has_begun(self) -> bool:
        """Whether there may be jobs of an earlier run. It is quick."""
        ...

    def open(self) -> JobStore:
        """Blocks. Raises: JobStoreError, with the reason for the person who runs the server."""
        ...
