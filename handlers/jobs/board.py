"""The one place where jobs change: in the database first, then in AppState, and then whoever waits is woken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from handlers.base import StateChanges, StateHandler, in_thread, with_state_lock
from handlers.service_errors import service_errors_translated
from services.job_store.job import StageReached
from services.ownership_store.ownership_store import OWNER_ROLE
from state.transitions import job_changed, job_forgotten, job_progressed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import RLock

    from services.clock.clock import Clock
    from services.job_store.job import Job, JobEvent, JobId
    from services.job_store.job_store import Accepted, JobStore, JobStores, Known, NewJob
    from services.ownership_store.ownership_store import OwnerId
    from state.app_state_types import AppState, LiveJob

Result = TypeVar("Result")


class JobBoard(StateHandler):
    """`epoch` names this run of the server. `changes` are announced after each write and each progress."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        stores: JobStores,
        clock: Clock,
        read_threads: ThreadPoolExecutor,
        epoch: str,
    ) -> None:
        super().__init__(state, lock)
        self.epoch = epoch
        self.changes = StateChanges()
        self._stores = stores
        self._clock = clock
        self._read_threads = read_threads
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")  # so that AppState follows in order
        self._opening = Lock()
        self._store: JobStore | None = None
        self._writes = 0

    # ---------------------------------------------------------------------------------------------------- reading

    def has_begun(self) -> bool:
        """Whether there is, or may be, any job."""
        return self._store is not None or self._stores.has_begun()

    @with_state_lock
    def live(self) -> tuple[LiveJob, ...]:
        return tuple(self._state.jobs.values())

    @with_state_lock
    def find_live(self, job_id: JobId) -> LiveJob | None:
        return self._state.jobs.get(job_id)

    @property
    def writes(self) -> int:
        """How often this server has written; unchanged, there is nothing new to read."""
        return self._writes

    async def read(self, work: Callable[[JobStore], Result]) -> Result:
        """What `work` reads, on a thread. Raises: DomainError, the database cannot be used."""

        def reading() -> Result:
            with service_errors_translated():
                return work(self._opened())

        return await in_thread(self._read_threads, reading)

    # ---------------------------------------------------------------------------------------------------- writing

    async def add(self, new: NewJob) -> Accepted | Known:
        """Raises: DomainError, the key came with another request, or it cannot be kept."""

        def add(store: JobStore) -> tuple[Accepted | Known, Job]:
            answer = store.add(new, self._clock.wall())
            return answer, answer.job

        return (await self._write(add))[0]

    async def apply(self, job_id: JobId, event: JobEvent, *, worker: str | None = None) -> Job | None:
        """Have `event` happen to a job; the job after it, None if there is none. `worker` as in `JobStore.apply`.

        Raises:
            IllegalJobEventError: it cannot happen in its state.
            DomainError: it cannot be kept, so it has not happened.
        """

        def apply(store: JobStore) -> tuple[Job | None, Job | None]:
            job = store.apply(job_id, event, self._clock.wall(), worker=worker)
            return job, job

        return (await self._write(apply))[0]

    async def take_up(self, job_id: JobId) -> Job | None:
        """See a job as the database has it, which another run of a server may have changed; None: it is not there."""

        def find(store: JobStore) -> tuple[Job | None, Job | None]:
            found = store.find(job_id)
            if found is None:
                self._forget_live(job_id)
            return found, found

        return (await self._write(find))[0]

    async def change_store(self, work: Callable[[JobStore], None]) -> None:
        """What changes no job that has not ended, such as forgetting."""

        def change(store: JobStore) -> tuple[None, None]:
            work(store)
            return None, None

        await self._write(change)

    @with_state_lock
    def _forget_live(self, job_id: JobId) -> None:
        job_forgotten(self._state, job_id)

    async def disown(self, owner: OwnerId) -> None:
        """Somebody is gone: their jobs are the owner role's, and go on."""

        def disown(store: JobStore) -> tuple[None, None]:
            store.disown(owner)
            self._disown_live(owner)
            return None, None

        await self._write(disown)

    @with_state_lock
    def _disown_live(self, owner: OwnerId) -> None:
        for live in [live for live in self._state.jobs.values() if live.job.owner == owner]:
            job_changed(self._state, replace(live.job, owner=OWNER_ROLE), self._clock.monotonic())

    async def reach(self, job_id: JobId, stages: Sequence[str]) -> None:
        """The job has come to these stages, one after the other; in one step, as there may be many in a short time."""

        def apply(store: JobStore) -> tuple[None, Job | None]:
            reached = [StageReached(stage) for stage in stages]
            return None, store.apply_all(job_id, reached, self._clock.wall(), worker=self.epoch)

        await self._write(apply)

    def progress(self, job_id: JobId, fraction: float | None, amounts: Mapping[str, int] | None = None) -> None:
        done = None if fraction is None else min(1.0, max(0.0, fraction))
        with self._lock:
            job_progressed(self._state, job_id, done, amounts)
        self.changes.announce()

    def close(self) -> None:
        """Blocks until what is being written is written."""
        self._write_thread.shutdown(wait=True, cancel_futures=True)

    # ------------------------------------------------------------------------------------------------------ parts

    async def _write(self, work: Callable[[JobStore], tuple[Result, Job | None]]) -> tuple[Result, Job | None]:
        """`work` answers with a result and with the job that it has changed."""
        return await in_thread(self._write_thread, lambda: self._write_now(work))

    def _write_now(self, work: Callable[[JobStore], tuple[Result, Job | None]]) -> tuple[Result, Job | None]:
        with service_errors_translated():
            result, job = work(self._opened())
        self._writes += 1
        if job is not None:
            with self._lock:
                job_changed(self._state, job, self._clock.monotonic())
        self.changes.announce()
        return result, job

    def _opened(self) -> JobStore:
        with self._opening:
            if self._store is None:
                self._store = self._stores.open()
            return self._store
