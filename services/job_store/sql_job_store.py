"""Jobs in the database."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update

from services.database.database_error import DatabaseError, DatabaseFault
from services.database.schema import JOB_EVENTS, JOB_FILES, JOBS
from services.database.translated_database import TranslatedDatabase
from services.job_store.job import IllegalJobEventError, Job, JobFault, JobFile, JobState, after
from services.job_store.job_store import Accepted, JobNotice, JobStoreError, JobStoreFault, Known
from services.job_store.notices import notice_of
from services.ownership_store.ownership_store import OWNER_ROLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, RowMapping

    from services.database.sql_database import SqlDatabase
    from services.job_store.job import JobEvent, JobId
    from services.job_store.job_store import JobQuery, NewJob

_FAULTS: Final[Mapping[DatabaseFault, JobStoreFault]] = MappingProxyType(
    {
        DatabaseFault.BUSY: JobStoreFault.BUSY,
        DatabaseFault.FULL: JobStoreFault.FULL,
        DatabaseFault.NEWER: JobStoreFault.UNAVAILABLE,
        DatabaseFault.NOT_UPGRADED: JobStoreFault.UNAVAILABLE,
        DatabaseFault.UNREACHABLE: JobStoreFault.UNAVAILABLE,
    }
)


class SqlJobStore:
    """A `JobStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = TranslatedDatabase(database, _told)

    def add(self, new: NewJob, at: float) -> Accepted | Known:
        with self._database.writing() as connection:
            if new.key is not None and (known := _with_key(connection, new)) is not None:
                return Known(known)
            job = Job(
                id=new.id, kind=new.kind, owner=new.owner, request=new.request, created_at=at, priority=new.priority
            )
            keys = {"idempotency_key": new.key, "request_digest": new.digest}
            connection.execute(insert(JOBS).values(**_row_of(job), **keys))
            _note(connection, [(None, job)], at)
            return Accepted(job)

    def find(self, job_id: JobId) -> Job | None:
        with self._database.reading() as connection:
            return _find(connection, job_id)

    def query(self, query: JobQuery) -> Sequence[Job]:
        wanted = select(JOBS).order_by(JOBS.c.id.desc()).limit(query.limit)
        if query.owner is not None:
            wanted = wanted.where(JOBS.c.owner == query.owner)
        if query.key is not None:
            wanted = wanted.where(JOBS.c.idempotency_key == query.key)
        if query.states:
            wanted = wanted.where(JOBS.c.state.in_([state.value for state in query.states]))
        if query.kind is not None:
            wanted = wanted.where(JOBS.c.kind == query.kind)
        if query.before is not None:
            wanted = wanted.where(JOBS.c.id < query.before)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
            files = _files_of(connection, [row["id"] for row in rows])
            return [_job_of(row, files.get(row["id"], ())) for row in rows]

    def counts(self, owner: str) -> Mapping[JobState, int]:
        counted = select(JOBS.c.state, func.count()).where(JOBS.c.owner == owner).group_by(JOBS.c.state)
        with self._database.reading() as connection:
            return {JobState(state): number for state, number in connection.execute(counted)}

    def apply(self, job_id: JobId, event: JobEvent, at: float, *, worker: str | None = None) -> Job | None:
        return self.apply_all(job_id, [event], at, worker=worker)

    def apply_all(
        self, job_id: JobId, events: Sequence[JobEvent], at: float, *, worker: str | None = None
    ) -> Job | None:
        with self._database.writing() as connection:
            first = _find(connection, job_id)
            if first is None:
                return None
            steps = [first]
            for event in events:
                steps.append(after(steps[-1], event, at, worker=worker))
            job = steps[-1]
            same = (JOBS.c.id == job_id) & (JOBS.c.state == first.state.value)
            changed = connection.execute(update(JOBS).where(same).values(**_row_of(job)))
            if changed.rowcount == 0:  # another server that shares the database was quicker
                raise IllegalJobEventError(first.state, events[0])
            if job.files != first.files:
                _keep_files(connection, job)
            _note(connection, pairwise(steps), at)
            return job

    def notices(
        self, after: int, *, owner: str | None = None, job: JobId | None = None, limit: int = 500
    ) -> Sequence[JobNotice]:
        wanted = select(JOB_EVENTS).where(JOB_EVENTS.c.number > after).order_by(JOB_EVENTS.c.number).limit(limit)
        if owner is not None:
            wanted = wanted.where(JOB_EVENTS.c.owner == owner)
        if job is not None:
            wanted = wanted.where(JOB_EVENTS.c.job == job)
        with self._database.reading() as connection:
            return [
                JobNotice(row["number"], row["job"], row["kind"], row["data"], row["at"])
                for row in connection.execute(wanted).mappings()
            ]

    def newest_notice(self) -> int:
        with self._database.reading() as connection:
            return connection.execute(select(func.max(JOB_EVENTS.c.number))).scalar() or 0

    def remove(self, job_ids: Collection[JobId]) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(JOBS).where(JOBS.c.id.in_(list(job_ids))))

    def disown(self, owner: str) -> None:
        with self._database.writing() as connection:
            connection.execute(update(JOBS).where(JOBS.c.owner == owner).values(owner=OWNER_ROLE, idempotency_key=None))
            connection.execute(update(JOB_EVENTS).where(JOB_EVENTS.c.owner == owner).values(owner=OWNER_ROLE))

    def forget_keys(self, before: float) -> None:
        old = (JOBS.c.created_at < before) & JOBS.c.idempotency_key.is_not(None)
        with self._database.writing() as connection:
            connection.execute(update(JOBS).where(old).values(idempotency_key=None))


def _told(error: DatabaseError) -> JobStoreError:
    return JobStoreError(_FAULTS[error.fault], str(error))


def _with_key(connection: Connection, new: NewJob) -> Job | None:
    same_key = (JOBS.c.owner == new.owner) & (JOBS.c.idempotency_key == new.key)
    row = connection.execute(select(JOBS).where(same_key)).mappings().one_or_none()
    if row is None:
        return None
    if row["request_digest"] != new.digest:
        message = "This Idempotency-Key was used for another request. Send a new key with a new request."
        raise JobStoreError(JobStoreFault.KEY_REUSED, message)
    return _with_files(connection, row)


def _find(connection: Connection, job_id: JobId) -> Job | None:
    row = connection.execute(select(JOBS).where(JOBS.c.id == job_id)).mappings().one_or_none()
    return None if row is None else _with_files(connection, row)


def _with_files(connection: Connection, row: RowMapping) -> Job:
    # Only what has been done has files, and most reads are of what has not.
    has_files = row["result"] is not None
    return _job_of(row, _files_of(connection, [row["id"]]).get(row["id"], ()) if has_files else ())


def _files_of(connection: Connection, job_ids: Collection[JobId]) -> Mapping[JobId, tuple[JobFile, ...]]:
    found: dict[JobId, tuple[JobFile, ...]] = {}
    wanted = select(JOB_FILES).where(JOB_FILES.c.job.in_(job_ids)).order_by(JOB_FILES.c.job, JOB_FILES.c.place)
    for row in connection.execute(wanted).mappings():
        file = JobFile(role=row["role"], path=row["path"], bytes=row["bytes"], digest=row["digest"])
        found[row["job"]] = (*found.get(row["job"], ()), file)
    return found


def _keep_files(connection: Connection, job: Job) -> None:
    connection.execute(delete(JOB_FILES).where(JOB_FILES.c.job == job.id))
    for place, file in enumerate(job.files):
        described = {"role": file.role, "path": file.path, "bytes": file.bytes, "digest": file.digest}
        connection.execute(insert(JOB_FILES).values(job=job.id, place=place, **described))


def _note(connection: Connection, steps: Iterable[tuple[Job | None, Job]], at: float) -> None:
    found = [(job, notice) for before, job in steps if (notice := notice_of(before, job)) is not None]
    rows = [{"job": job.id, "owner": job.owner, "kind": kind, "data": data, "at": at} for job, (kind, data) in found]
    if rows:
        connection.execute(insert(JOB_EVENTS), rows)


def _row_of(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "owner": job.owner,
        "state": job.state.value,
        "request": dict(job.request),
        "result": None if job.result is None else dict(job.result),
        "fault_code": None if job.fault is None else job.fault.code,
        "fault_message": None if job.fault is None else job.fault.message,
        "stage": job.stage,
        "priority": job.priority,
        "attempt": job.attempt,
        "epoch": job.epoch,
        "not_before": job.not_before,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "cancel_requested_at": job.cancel_requested_at,
        "deadline_at": job.deadline_at,
    }


def _job_of(row: RowMapping, files: tuple[JobFile, ...] = ()) -> Job:
    code, message = row["fault_code"], row["fault_message"]
    return Job(
        id=row["id"],
        kind=row["kind"],
        owner=row["owner"],
        state=JobState(row["state"]),
        request=row["request"],
        result=row["result"],
        files=files,
        fault=None if code is None else JobFault(code, message),
        stage=row["stage"],
        priority=row["priority"],
        attempt=row["attempt"],
        epoch=row["epoch"],
        not_before=row["not_before"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cancel_requested_at=row["cancel_requested_at"],
        deadline_at=row["deadline_at"],
    )
