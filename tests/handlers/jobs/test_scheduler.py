"""Jobs in their turn: done, failed, cancelled, tried again, and settled after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from access_rules import Owner
from error_types import DomainError, ErrorCode
from handlers.jobs.executor import AfterRestart
from runtime_config.runtime_config import JobsConfig
from services.database.shared_database import SharedDatabase
from services.job_store.job import Began, CancelAsked, JobState, Requeued
from services.job_store.job_store import JobQuery, JobStoreError, JobStoreFault, NewJob
from services.job_store.sql_job_stores import SqlJobStores
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.handlers.jobs.jobs_rig import jobs_rig
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from pathlib import Path

    from services.job_store.job_store import JobStores
    from tests.handlers.jobs.jobs_rig import JobsRig


@pytest.fixture(params=["sqlite", "fake"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> JobStores:
    return SqlJobStores(SharedDatabase(tmp_path / "terrarium.sqlite")) if request.param == "sqlite" else FakeJobStore()


def test_a_job_is_done(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            job = await here.until(await here.submit("a"), "done")
            assert (job.result, job.stage, job.attempt, job.fault) == ({"name": "a"}, "working", 1, None)
            assert here.board.live() == ()

    asyncio.run(main())


def test_people_take_turns() -> None:
    async def main() -> None:
        store = FakeJobStore()
        for number, owner in enumerate(["ann"] * 5 + ["bob"] * 2 + ["cid"]):
            request = {"name": f"{owner}{number}"}
            store.add(NewJob(id=f"{number:026d}", kind="fake", owner=owner, request=request, digest=""), float(number))
        async with jobs_rig(store) as here:
            await wait_until_async(lambda: len(here.executor.begun) == 8, "all were done")
            assert here.executor.begun == ["ann0", "bob5", "cid7", "ann1", "bob6", "ann2", "ann3", "ann4"]

    asyncio.run(main())


def test_ten_thousand_of_one_do_not_keep_another_waiting() -> None:
    async def main() -> None:
        store = FakeJobStore()
        for number in range(10_000):
            new = NewJob(id=f"{number:026d}", kind="fake", owner="ann", request={"name": "ann"}, digest="")
            store.add(new, float(number))
        store.add(NewJob(id="Z" * 26, kind="fake", owner="bob", request={"name": "bob"}, digest=""), 1e6)
        executor = FakeJobExecutor()
        executor.hold()
        async with jobs_rig(store, executor=executor) as here:
            await here.until_begun("ann")
            await wait_until_async(lambda: here.board.find_live("Z" * 26) is not None, "all were taken up")
            assert (await here.jobs.find(Owner(), "Z" * 26)).position == 0
            executor.release()
            await here.until("Z" * 26, "done")
            assert executor.begun.index("bob") <= 1

    asyncio.run(main())


def test_what_needs_other_things_runs_beside(stores: JobStores) -> None:
    async def main() -> None:
        other = FakeJobExecutor("download", "network")
        async with jobs_rig(stores, other) as here:
            here.executor.hold()
            held, waiting = await here.submit("held"), await here.submit("waiting")
            await here.until_begun("held")
            await here.until(await here.submit("beside", kind="download"), "done")
            assert (await here.jobs.find(Owner(), held)).state == "running"
            assert (await here.jobs.find(Owner(), waiting)).position == 0
            here.executor.release()
            await here.until(waiting, "done")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DomainError("The words were refused.", ErrorCode.AUTHORING_SCENE_REFUSED), "authoringSceneRefused", "refused"),
        (LookupError("secret"), "internal", "its log has the details"),
    ],
)
def test_a_failure_is_told_and_the_next_goes_on(stores: JobStores, error: Exception, code: str, message: str) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.failing["bad"] = error
            bad, good = await here.submit("bad"), await here.submit("good")
            job = await here.until(bad, "failed")
            assert job.fault is not None
            assert job.fault.code == code
            assert message in job.fault.message
            assert job.can_retry
            await here.until(good, "done")
            here.executor.failing.clear()
            await here.jobs.retry(Owner(), bad)
            again = await here.until(bad, "done")
            assert (again.attempt, again.fault) == (2, None)

    asyncio.run(main())


def test_a_job_that_takes_too_long(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.limit_s = 0.01
            here.executor.hold()
            job = await here.until(await here.submit(), "failed")
            assert job.fault is not None
            assert job.fault.code == "requestTimeout"
            assert here.executor.stopped == here.executor.begun  # on a busy machine, its time is over before it begins

    asyncio.run(main())


def test_cancelled_before_in_and_after(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.hold()
            running, waiting = await here.submit("running"), await here.submit("waiting")
            await here.until_begun("running")
            assert (await here.jobs.cancel(Owner(), waiting)).state == "cancelled"
            assert (await here.jobs.cancel(Owner(), running)).cancelling
            assert (await here.until(running, "cancelled")).fault is None
            assert here.executor.begun == ["running"]
            assert here.executor.stopped == ["running"]
            here.executor.release()
            done = await here.submit("done")
            await here.until(done, "done")
            assert (await here.jobs.cancel(Owner(), done)).state == "done"
            assert (await here.jobs.cancel(Owner(), running)).state == "cancelled"
            with pytest.raises(DomainError, match="no such job"):
                await here.jobs.cancel(Owner(), "nothing")

    asyncio.run(main())


def test_cancelled_at_the_very_end_is_either_done_or_cancelled(stores: JobStores) -> None:
    async def one(here: Any, pause: int) -> str:
        job = await here.submit("quick")
        for _ in range(pause):
            await asyncio.sleep(0)
        await here.jobs.cancel(Owner(), job)
        return (await here.until(job, "done", "cancelled")).state

    async def main() -> None:
        async with jobs_rig(stores) as here:
            ends = [await one(here, pause) for pause in range(0, 120, 4)]
            assert set(ends) <= {"done", "cancelled"}
            assert here.board.live() == ()
            await here.until(await here.submit("next"), "done")

    asyncio.run(main())


def test_one_key_one_job(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            first, is_new = await here.jobs.submit(Owner(), "fake", {"name": "a"}, key="k")
            again, is_new_again = await here.jobs.submit(Owner(), "fake", {"name": "a"}, key="k")
            assert (first.id, is_new, is_new_again) == (again.id, True, False)
            with pytest.raises(DomainError, match="another request") as caught:
                await here.jobs.submit(Owner(), "fake", {"name": "b"}, key="k")
            assert caught.value.code is ErrorCode.JOB_KEY_REUSED

    asyncio.run(main())


def test_what_cannot_be_taken_on(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores, config=JobsConfig(max_queued=2)) as here:
            with pytest.raises(DomainError, match="no jobs of the kind"):
                await here.jobs.submit(Owner(), "unknown", {})
            with pytest.raises(DomainError, match=r"Invalid request: .*\(name\)"):
                await here.jobs.submit(Owner(), "fake", {"name": 7})
            here.executor.refusal = DomainError("Not today.", ErrorCode.AUTHORING_UNAVAILABLE)
            with pytest.raises(DomainError, match="Not today"):
                await here.submit()
            here.executor.refusal = None
            here.executor.hold()
            await here.submit()
            await here.submit()
            with pytest.raises(DomainError, match="2 jobs are waiting") as caught:
                await here.submit()
            assert caught.value.http_status == 429
            here.executor.release()

    asyncio.run(main())


def test_a_job_that_has_ended_is_forgotten_with_its_files(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.hold()
            job = await here.submit()
            await here.until_begun("a")
            with pytest.raises(DomainError, match="has not ended"):
                await here.jobs.forget(Owner(), job)
            with pytest.raises(DomainError, match="is running"):
                await here.jobs.retry(Owner(), job)
            here.executor.release()
            await here.until(job, "done")
            with pytest.raises(DomainError, match="is done"):
                await here.jobs.retry(Owner(), job)
            await here.jobs.forget(Owner(), job)
            with pytest.raises(DomainError, match="no such job"):
                await here.jobs.find(Owner(), job)

    asyncio.run(main())


def test_only_so_many_are_remembered(stores: JobStores) -> None:
    async def main() -> None:
        clock = FakeClock()
        async with jobs_rig(stores, clock=clock, config=JobsConfig(kept=3, kept_s=100.0)) as here:
            ids: list[str] = []
            for number in range(5):
                ids.append(await here.submit(str(number)))
                await here.until(ids[-1], "done")
                clock.advance(1.0)
            await here.retention.prune()
            assert [job.id for job in (await here.jobs.list_jobs(Owner())).jobs] == ids[:1:-1]
            clock.advance(101.0)
            await here.retention.prune()
            assert (await here.jobs.list_jobs(Owner())).jobs == []

    asyncio.run(main())


def test_what_became_of_a_job_is_kept_when_there_is_room_again() -> None:
    async def main() -> None:
        store = FakeJobStore()
        async with jobs_rig(store) as here:
            here.executor.hold()
            job = await here.submit()
            await here.until_begun("a")
            await wait_until_async(lambda: here.board.find_live(job) is not None, "it is live")
            store.fail = JobStoreError(JobStoreFault.FULL, "The disk is full.")
            here.executor.failing["a"] = LookupError()
            here.executor.release()
            with pytest.raises(DomainError, match="full") as caught:
                await here.submit("another")
            assert caught.value.http_status == 507
            store.fail = None
            await here.until(job, "failed")

    asyncio.run(main())


@pytest.mark.parametrize("after_restart", AfterRestart)
def test_a_restart_in_the_middle(stores: JobStores, tmp_path: Path, after_restart: AfterRestart) -> None:
    async def main() -> None:
        clock, executor = FakeClock(), FakeJobExecutor(after_restart=after_restart)
        executor.hold()
        async with jobs_rig(stores, executor=executor, clock=clock, folder=tmp_path / "files") as here:
            running, waiting = await here.submit("running"), await here.submit("waiting")
            await here.until_begun("running")
        executor = FakeJobExecutor(after_restart=after_restart)
        async with jobs_rig(stores, executor=executor, clock=clock, folder=tmp_path / "files") as here:
            await here.until(waiting, "done")
            if after_restart is not AfterRestart.IS_INTERRUPTED:
                assert (await here.jobs.find(Owner(), running)).state == "queued"
                clock.advance(5.0)
                here.board.changes.announce()
                job = await here.until(running, "done")
                assert job.attempt == 2
                assert here.executor.found[-1] == (["half"] if after_restart is AfterRestart.GOES_ON else [])
            else:
                job = await here.until(running, "interrupted")
                assert job.fault is not None
                assert job.fault.code == "serverRestarted"
                await here.jobs.retry(Owner(), running)
                await here.until(running, "done")

    asyncio.run(main())


def test_a_job_that_ends_the_server_is_not_begun_for_ever() -> None:
    async def main() -> None:
        store, clock, begun = FakeJobStore(), FakeClock(), 0
        store.add(NewJob(id="1" * 26, kind="fake", owner="", request={"name": "a"}, digest=""), clock.wall())
        for _ in range(5):
            executor = FakeJobExecutor()
            executor.hold()
            async with jobs_rig(store, executor=executor, clock=clock) as here:

                def is_settled(here: JobsRig = here) -> bool:
                    clock.advance(60.0)
                    here.board.changes.announce()
                    found = store.find("1" * 26)
                    return bool(here.executor.begun) or (found is not None and found.state is JobState.INTERRUPTED)

                await wait_until_async(is_settled, "it began, or was given up")
                begun += len(executor.begun)
        (job,) = store.query(JobQuery())
        assert (begun, job.state, job.attempt) == (3, JobState.INTERRUPTED, 3)

    asyncio.run(main())


def test_a_cancel_survives_the_server(stores: JobStores) -> None:
    async def main() -> None:
        store = stores.open()
        store.add(NewJob(id="1" * 26, kind="fake", owner="", request={"name": "a"}, digest=""), 1.0)
        store.apply("1" * 26, Began("an earlier run", 60.0), 2.0)
        store.apply("1" * 26, CancelAsked(), 3.0)
        async with jobs_rig(stores) as here:
            await here.until("1" * 26, "cancelled")
            assert here.executor.begun == []

    asyncio.run(main())


def test_what_was_left_is_settled_once_the_database_can_be_used() -> None:
    async def main() -> None:
        store = FakeJobStore()
        store.add(NewJob(id="1" * 26, kind="fake", owner="", request={"name": "a"}, digest=""), 1.0)
        store.fail = JobStoreError(JobStoreFault.BUSY, "Another program has locked it.")
        async with jobs_rig(store) as here:
            with pytest.raises(DomainError, match="locked"):
                await here.jobs.find(Owner(), "1" * 26)
            store.fail = None
            await here.until("1" * 26, "done")

    asyncio.run(main())


def test_a_pause_does_not_last_as_long_as_the_clock_was_set_back() -> None:
    async def main() -> None:
        store = FakeJobStore()
        store.add(NewJob(id="1" * 26, kind="fake", owner="", request={"name": "a"}, digest=""), 1.0)
        store.apply("1" * 26, Began("an earlier run", 60.0), 2_000_000.0)
        store.apply("1" * 26, Requeued(not_before=2_000_005.0), 2_000_000.0)
        async with jobs_rig(store, clock=FakeClock(wall=2_000_000.0 - 3600.0)) as here:
            await here.until("1" * 26, "done")

    asyncio.run(main())


def test_a_clock_that_is_set_back_loses_nothing(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores, clock=FakeClock(wall=2_000_000.0)) as here:
            here.executor.failing["bad"] = LookupError()
            bad = await here.submit("bad")
            await here.until(bad, "failed")
        async with jobs_rig(stores, clock=FakeClock(wall=2_000_000.0 - 3600.0)) as here:
            await here.jobs.retry(Owner(), bad)
            assert (await here.until(bad, "done")).attempt == 2
            await here.until(await here.submit("good"), "done")

    asyncio.run(main())
