"""Jobs in memory. Opened again, the same jobs are there, as after a restart of the server."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from services.job_store.job import Job, after
from services.job_store.job_store import Accepted, JobNotice, JobStoreError, JobStoreFault, Known
from services.job_store.notices import notice_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from services.job_store.job import JobEvent, JobId, JobState
    from services.job_store.job_store import JobQuery, JobStore, NewJob


class FakeJobStore:
    """A `JobStore` and its `JobStores`. While `fail` is set, every call raises it."""

    def __init__(self) -> None:
        self.fail: JobStoreError | None = None
        self.refused = 0  # calls, because of it
        self._jobs: dict[JobId, Job] = {}
        self._keys: dict[tuple[str, str], tuple[JobId, str]] = {}
        self._notices: list[tuple[str, JobNotice]] = []
        self._newest = 0
        self._lock = threading.Lock()

    def has_begun(self) -> bool:
        return bool(self._jobs)

    def open(self) -> JobStore:
        self._check()
        return self

    def add(self, new: NewJob, at: float) -> Accepted | Known:
        self._check()
        with self._lock:
            if new.key is not None and (found := self._keys.get((new.owner, new.key))) is not None:
                job_id, digest = found
                if digest != new.digest:
                    raise JobStoreError(JobStoreFault.KEY_REUSED, "This Idempotency-Key was used for another request.")
                return Known(self._jobs[job_id])
            job = Job(
                id=new.id, kind=new.kind, owner=new.owner, request=new.request, created_at=at, priority=new.priority
            )
            if new.key is not None:
                self._keys[new.owner, new.key] = new.id, new.digest
            self._keep(None, job, at)
            return Accepted(job)

    def find(self, job_id: JobId) -> Job | None:
        self._check()
        return self._jobs.get(job_id)

    def query(self, query: JobQuery) -> Sequence[Job]:
        self._check()
        found = (
            job
            for job in sorted(self._jobs.values(), key=lambda job: job.id, reverse=True)
            if query.owner in (None, job.owner)
            and (query.key is None or job.id == self._keys.get((job.owner, query.key), (None,))[0])
            and (not query.states or job.state in query.states)
            and query.kind in (None, job.kind)
            and (query.before is None or job.id < query.before)
        )
        return list(islice(found, query.limit))

    def counts(self, owner: str) -> Mapping[JobState, int]:
        self._check()
        counted: dict[JobState, int] = {}
        for job in self._jobs.values():
            if job.owner == owner:
                counted[job.state] = counted.get(job.state, 0) + 1
        return counted

    def apply(self, job_id: JobId, event: JobEvent, at: float, *, worker: str | None = None) -> Job | None:
        return self.apply_all(job_id, [event], at, worker=worker)

    def apply_all(
        self, job_id: JobId, events: Sequence[JobEvent], at: float, *, worker: str | None = None
    ) -> Job | None:
        self._check()
        with self._lock:
            steps = [self._jobs.get(job_id)]
            for event in events:
                before = steps[-1]
                if before is None:
                    return None
                steps.append(after(before, event, at, worker=worker))
            for before, job in pairwise(steps):
                if job is not None:
                    self._keep(before, job, at)
            return steps[-1]

    def notices(
        self, after: int, *, owner: str | None = None, job: JobId | None = None, limit: int = 500
    ) -> Sequence[JobNotice]:
        self._check()
        found = (
            notice
            for its_owner, notice in self._notices
            if notice.number > after and owner in (None, its_owner) and job in (None, notice.job)
        )
        return list(islice(found, limit))

    def newest_notice(self) -> int:
        self._check()
        return self._newest

    def remove(self, job_ids: Collection[JobId]) -> None:
        self._check()
        with self._lock:
            for job_id in job_ids:
                self._jobs.pop(job_id, None)
            self._notices = [entry for entry in self._notices if entry[1].job not in job_ids]
            self._keys = {key: found for key, found in self._keys.items() if found[0] not in job_ids}

    def disown(self, owner: str) -> None:
        self._check()
        with self._lock:
            self._jobs = {job.id: replace(job, owner="") if job.owner == owner else job for job in self._jobs.values()}
            self._keys = {key: found for key, found in self._keys.items() if key[0] != owner}
            self._notices = [("" if its_owner == owner else its_owner, notice) for its_owner, notice in self._notices]

    def forget_keys(self, before: float) -> None:
        self._check()
        self._keys = {key: found for key, found in self._keys.items() if self._jobs[found[0]].created_at >= before}

    def _keep(self, before: Job | None, job: Job, at: float) -> None:
        self._jobs[job.id] = replace(job)
        notice = notice_of(before, job)
        if notice is not None:
            self._newest += 1
            self._notices.append((job.owner, JobNotice(self._newest, job.id, *notice, at)))

    def _check(self) -> None:
        if self.fail is not None:
            self.refused += 1
            raise self.fail
