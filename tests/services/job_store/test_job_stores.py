"""Jobs that are kept: all stores alike."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from services.database.sql_database import SqlDatabase, sqlite_url
from services.job_store.job import (
    TRANSITIONS,
    Began,
    CancelAsked,
    Failed,
    FilesLost,
    FinishBegan,
    IllegalJobEventError,
    Interrupted,
    JobFault,
    JobFile,
    JobState,
    NotItsWorkerError,
    Requeued,
    StageReached,
    Stopped,
    Succeeded,
    TakenOver,
)
from services.job_store.job_store import Accepted, JobQuery, JobStoreError, JobStoreFault, Known, NewJob
from services.job_store.sql_job_store import SqlJobStore
from tests.fakes.fake_job_store import FakeJobStore
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.job_store.job import Job, JobEvent
    from services.job_store.job_store import JobStore

FAULT = JobFault("internal", "It broke.")
FILM = JobFile(role="film", path="film.mp4", bytes=5_000_000_000, digest="ab" * 32)
LOG = JobFile(role="log", path="a log.txt", bytes=0, digest="cd" * 32)
EVENTS: tuple[JobEvent, ...] = (
    Began("epoch", 60.0),
    StageReached("painting"),
    CancelAsked(),
    FinishBegan({"seed_hash": "ab"}, (FILM,)),
    TakenOver("another"),
    Succeeded((FILM,)),
    FilesLost(()),
    Failed(FAULT),
    Stopped(),
    Interrupted(FAULT),
    Requeued(),
)
# How a job comes into each state.
PATHS: dict[JobState, tuple[JobEvent, ...]] = {
    JobState.QUEUED: (),
    JobState.RUNNING: (Began("epoch", 60.0),),
    JobState.FINISHING: (Began("epoch", 60.0), FinishBegan({})),
    JobState.DONE: (Began("epoch", 60.0), FinishBegan({}, (FILM,)), Succeeded((FILM,))),
    JobState.FAILED: (Began("epoch", 60.0), Failed(FAULT)),
    JobState.CANCELLED: (CancelAsked(),),
    JobState.INTERRUPTED: (Began("epoch", 60.0), Interrupted(FAULT)),
}


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[JobStore]:
    if request.param == "fake":
        yield FakeJobStore()
        return
    url = sqlite_url(tmp_path / "terrarium.sqlite") if request.param == "sqlite" else emptied_postgres_url()
    database = SqlDatabase(url)
    yield SqlJobStore(database)
    database.close()


def new(number: int, *, owner: str = "", key: str | None = None, digest: str = "d", kind: str = "scene") -> NewJob:
    return NewJob(id=f"{number:026d}", kind=kind, owner=owner, request={"prompt": "é"}, digest=digest, key=key)


def added(store: JobStore, number: int, *, owner: str = "", kind: str = "scene") -> Job:
    answer = store.add(new(number, owner=owner, kind=kind), at=float(number))
    assert isinstance(answer, Accepted)
    return answer.job


def test_a_job_is_kept_as_it_was_wanted(store: JobStore) -> None:
    job = added(store, 1, owner="ann")
    assert store.find(job.id) == job
    assert (job.state, job.owner, job.request, job.attempt) == (JobState.QUEUED, "ann", {"prompt": "é"}, 1)
    assert store.find("0" * 26) is None


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_in_every_state(store: JobStore, state: JobState, event: JobEvent) -> None:
    job = added(store, 1)
    for step in PATHS[state]:
        store.apply(job.id, step, 5.0)
    before, notices = store.find(job.id), store.notices(0)
    if (state, type(event)) in TRANSITIONS:
        assert store.apply(job.id, event, 7.5) == store.find(job.id) != before
    else:
        with pytest.raises(IllegalJobEventError, match=f"{type(event).__name__} cannot happen .* {state.value}"):
            store.apply(job.id, event, 7.5)
        assert store.find(job.id) == before
        assert store.notices(0) == notices


def test_whoever_has_lost_a_job_changes_nothing(store: JobStore) -> None:
    """A server that was taken for gone comes back, while another one does what it did."""
    job = added(store, 1)
    store.apply(job.id, Began("first", 60.0), 2.0)
    store.apply(job.id, Requeued(), 3.0, worker="first")
    store.apply(job.id, Began("second", 60.0), 4.0)
    before = store.find(job.id)
    for event in (StageReached("late"), FinishBegan({}), Failed(FAULT), Stopped()):
        with pytest.raises(NotItsWorkerError):
            store.apply(job.id, event, 5.0, worker="first")
    assert store.find(job.id) == before
    store.apply(job.id, FinishBegan({}), 6.0, worker="second")
    store.apply(job.id, TakenOver("third"), 7.0, worker="second")
    with pytest.raises(NotItsWorkerError):
        store.apply(job.id, Succeeded(), 8.0, worker="second")
    ended = store.apply(job.id, Succeeded(), 9.0, worker="third")
    assert ended is not None
    assert (ended.state, ended.epoch) == (JobState.DONE, "third")


def test_nothing_happens_to_a_job_that_is_not_there(store: JobStore) -> None:
    assert store.apply("0" * 26, Began("epoch", 60.0), 1.0) is None
    assert store.notices(0) == []


def test_each_change_has_its_notice_in_order(store: JobStore) -> None:
    first, second = added(store, 1, owner="ann"), added(store, 2, owner="bob")
    writing = StageReached("writing")
    for event in (Began("epoch", 60.0), writing, writing, FinishBegan({"a": 1}), Succeeded()):
        store.apply(first.id, event, 9.0)
    store.apply(second.id, CancelAsked(), 9.0)
    seen = [(notice.job, notice.kind, notice.data) for notice in store.notices(0)]
    assert seen == [
        (first.id, "state", {"state": "queued", "attempt": 1}),
        (second.id, "state", {"state": "queued", "attempt": 1}),
        (first.id, "state", {"state": "running", "attempt": 1}),
        (first.id, "stage", {"stage": "writing"}),
        (first.id, "state", {"state": "finishing", "attempt": 1}),
        (first.id, "state", {"state": "done", "attempt": 1, "result": {"a": 1}}),
        (second.id, "state", {"state": "cancelled", "attempt": 1}),
    ]
    numbers = [notice.number for notice in store.notices(0)]
    assert numbers == sorted(set(numbers))
    assert store.newest_notice() == numbers[-1]
    assert [notice.number for notice in store.notices(numbers[2])] == numbers[3:]
    assert [notice.number for notice in store.notices(0, limit=2)] == numbers[:2]
    assert {notice.job for notice in store.notices(0, owner="bob")} == {second.id}
    assert {notice.job for notice in store.notices(0, job=first.id)} == {first.id}


def test_numbers_are_never_used_again(store: JobStore) -> None:
    job = added(store, 1)
    number = store.newest_notice()
    store.remove([job.id, "0" * 26])
    assert (store.find(job.id), store.notices(0)) == (None, [])
    added(store, 2)
    assert store.newest_notice() > number


def test_a_cancel_is_noted_while_the_job_runs(store: JobStore) -> None:
    job = added(store, 1)
    store.apply(job.id, Began("epoch", 60.0), 2.0)
    asked = store.apply(job.id, CancelAsked(), 3.0)
    assert asked is not None
    assert (asked.state, asked.cancel_requested_at) == (JobState.RUNNING, 3.0)
    again = store.apply(job.id, CancelAsked(), 4.0)
    assert again == asked
    assert [notice.kind for notice in store.notices(0)] == ["state", "state", "cancelling"]


def test_a_job_that_is_tried_again_begins_anew(store: JobStore) -> None:
    job = added(store, 1)
    store.apply(job.id, Began("epoch", 60.0), 2.0)
    store.apply(job.id, StageReached("writing"), 2.5)
    store.apply(job.id, Failed(FAULT), 3.0)
    again = store.apply(job.id, Requeued(not_before=10.0), 4.0)
    assert again is not None
    assert (again.state, again.attempt, again.not_before) == (JobState.QUEUED, 2, 10.0)
    assert (again.fault, again.stage, again.ended_at, again.epoch) == (None, None, None, None)


def test_several_events_are_one_step(store: JobStore) -> None:
    job = added(store, 1)
    stages = [StageReached(str(number)) for number in range(5)]
    with pytest.raises(IllegalJobEventError):
        store.apply_all(job.id, [Began("epoch", 60.0), *stages, Began("epoch", 60.0)], 2.0)
    assert store.find(job.id) == job
    assert len(store.notices(0)) == 1
    after_all = store.apply_all(job.id, [Began("epoch", 60.0), *stages, stages[-1]], 2.0)
    assert after_all == store.find(job.id)
    assert after_all is not None
    assert (after_all.state, after_all.stage) == (JobState.RUNNING, "4")
    told = [notice.data.get("stage", notice.data.get("state")) for notice in store.notices(0)]
    assert told == ["queued", "running", "0", "1", "2", "3", "4"]
    assert store.apply_all("0" * 26, stages, 2.0) is None


def test_files_come_with_the_work_and_stay_or_go(store: JobStore) -> None:
    job = added(store, 1)
    store.apply(job.id, Began("epoch", 60.0), 2.0)
    finishing = store.apply(job.id, FinishBegan({"a": 1}, (LOG, FILM)), 3.0)
    assert finishing == store.find(job.id)
    assert finishing is not None
    assert (finishing.files, finishing.result) == ((LOG, FILM), {"a": 1})
    store.apply(job.id, Succeeded((LOG, FILM)), 4.0)
    added(store, 2)
    assert [found.files for found in store.query(JobQuery())] == [(), (LOG, FILM)]
    store.apply(job.id, FilesLost((FILM,)), 5.0)
    assert [found.files for found in store.query(JobQuery())] == [(), (FILM,)]
    store.remove([job.id])
    assert added(store, 1).files == ()
    found = store.find(job.id)
    assert found is not None
    assert found.files == ()


def test_what_was_made_is_forgotten_when_a_job_is_tried_again(store: JobStore) -> None:
    for number, end in enumerate((Failed(FAULT), Interrupted(FAULT), Requeued()), start=1):
        job = added(store, number)
        store.apply(job.id, Began("epoch", 60.0), 2.0)
        store.apply(job.id, FinishBegan({"a": 1}, (FILM,)), 3.0)
        ended = store.apply(job.id, end, 4.0)
        assert ended == store.find(job.id)
        assert ended is not None
        assert (ended.files, ended.result) == ((), None)


def test_a_deadline_holds_for_what_goes_on_and_begins_anew_with_the_work(store: JobStore) -> None:
    for number, (goes_on, deadline) in enumerate(((True, 62.0), (False, 1060.0)), start=1):
        job = added(store, number)
        begun = store.apply(job.id, Began("epoch", 60.0), 2.0)
        assert begun is not None
        assert begun.deadline_at == 62.0
        store.apply(job.id, Requeued(goes_on=goes_on), 10.0)
        again = store.apply(job.id, Began("epoch", 60.0), 1000.0)
        assert again == store.find(job.id)
        assert again is not None
        assert again.deadline_at == deadline


def test_jobs_are_asked_for_newest_first(store: JobStore) -> None:
    jobs = [
        added(store, number, owner="ann" if number % 2 else "bob", kind="film" if number > 3 else "scene")
        for number in range(1, 7)
    ]
    ids = [job.id for job in jobs]
    store.apply(ids[0], CancelAsked(), 9.0)
    assert [job.id for job in store.query(JobQuery())] == ids[::-1]
    assert [job.id for job in store.query(JobQuery(owner="ann"))] == [ids[4], ids[2], ids[0]]
    assert [job.id for job in store.query(JobQuery(states={JobState.CANCELLED}))] == [ids[0]]
    assert [job.id for job in store.query(JobQuery(kind="film"))] == ids[:2:-1]
    assert [job.id for job in store.query(JobQuery(before=ids[3], limit=2))] == [ids[2], ids[1]]
    assert store.counts("ann") == {JobState.QUEUED: 2, JobState.CANCELLED: 1}
    assert store.counts("nobody") == {}


def test_one_key_is_one_job(store: JobStore) -> None:
    first = store.add(new(1, key="k"), 1.0)
    assert store.add(new(2, key="k"), 2.0) == Known(first.job)
    with pytest.raises(JobStoreError) as caught:
        store.add(new(3, key="k", digest="other"), 3.0)
    assert caught.value.fault is JobStoreFault.KEY_REUSED
    assert isinstance(store.add(new(4, key="k", owner="bob"), 4.0), Accepted)
    assert [job.id for job in store.query(JobQuery())] == [new(4).id, new(1).id]
    store.forget_keys(before=4.0)
    assert isinstance(store.add(new(5, key="k", digest="other"), 5.0), Accepted)
    assert isinstance(store.add(new(6, key="k", owner="bob"), 6.0), Known)


def test_one_of_many_threads_begins_a_job(store: JobStore) -> None:
    job, won = added(store, 1), list[int]()
    together = threading.Barrier(8)

    def begin(number: int) -> None:
        together.wait()
        try:
            store.apply(job.id, Began(str(number), 60.0), 2.0)
        except IllegalJobEventError:
            return
        won.append(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    found = store.find(job.id)
    assert found is not None
    assert found.epoch == str(winner)
    assert len(store.notices(0)) == 2


def test_the_jobs_of_somebody_who_is_gone_are_the_owner_roles(store: JobStore) -> None:
    store.add(new(1, owner="ann", key="k"), 1.0)
    store.add(new(2, key="k"), 2.0)
    store.add(new(3, owner="bob", key="k"), 3.0)
    store.disown("ann")
    store.disown("nobody")
    assert [job.owner for job in store.query(JobQuery())] == ["bob", "", ""]
    assert len(store.notices(0, owner="")) == 2
    assert store.notices(0, owner="ann") == []
    assert isinstance(store.add(new(4, owner="bob", key="k"), 4.0), Known)
    assert isinstance(store.add(new(5, key="k"), 4.0), Known), "the owner role has a key of the same name already"
