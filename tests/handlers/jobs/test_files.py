"""Files of jobs: kept with them, given their place once, settled after a restart, and removed in the end."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from access_rules import Owner
from error_types import DomainError, ErrorCode
from handlers.jobs.executor import AfterRestart
from runtime_config.current import Current
from runtime_config.runtime_config import JobsConfig
from services.database.shared_database import SharedDatabase
from services.job_store.job import Began, FinishBegan, JobFile, JobState
from services.job_store.job_store import JobStoreError, JobStoreFault, NewJob
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

MADE = JobFile(role="made", path="made.bin", bytes=7, digest=hashlib.sha256(b"x" * 7).hexdigest())


@pytest.fixture(params=["sqlite", "fake"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> JobStores:
    return SqlJobStores(SharedDatabase(tmp_path / "terrarium.sqlite")) if request.param == "sqlite" else FakeJobStore()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


async def settled(here: JobsRig) -> None:
    """A job that is done shows that the settlement is over, as nothing runs before."""
    await here.until(await here.submit("after settlement"), "done")


def finishing(store: FakeJobStore, job_id: str, *files: JobFile) -> None:
    store.add(NewJob(id=job_id, kind="fake", owner="", request={"name": "earlier", "size": 7}, digest=""), 1.0)
    store.apply(job_id, Began("an earlier run", 60.0), 2.0)
    store.apply(job_id, FinishBegan({"name": "earlier"}, files), 3.0)


def test_a_job_has_the_files_that_it_made(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        async with jobs_rig(stores, folder=folder) as here:
            job = await here.until(await here.submit("a", size=7), "done")
            (file,) = job.files
            assert (file.role, file.bytes, file.sha256) == ("made", 7, MADE.digest)
            assert (await here.jobs.file(Owner(), job.id)).read_bytes() == b"x" * 7
            assert await here.jobs.file(Owner(), job.id, "made") == await here.jobs.file(Owner(), job.id)
            with pytest.raises(DomainError) as caught:
                await here.jobs.file(Owner(), job.id, "other")
            assert caught.value.code is ErrorCode.JOB_HAS_NO_FILE
            await here.jobs.forget(Owner(), job.id)
            assert not (folder / job.id).exists()

    asyncio.run(main())


def test_files_that_belong_elsewhere_go_when_the_job_is_done(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        async with jobs_rig(stores, executor=FakeJobExecutor(keeps_files=False), folder=folder) as here:
            job = await here.until(await here.submit("a", size=7), "done")
            assert (here.executor.finished, job.files) == (["a"], [])
            await wait_until_async(lambda: not (folder / job.id).exists(), "its folder is gone")

    asyncio.run(main())


@pytest.mark.parametrize("end", ["failed", "cancelled", "not finished"])
def test_what_was_not_done_leaves_no_file(stores: JobStores, folder: Path, end: str) -> None:
    async def main() -> None:
        async with jobs_rig(stores, folder=folder) as here:
            here.executor.hold()
            job = await here.submit("a", size=7)
            await here.until_begun("a")
            match end:
                case "failed":
                    here.executor.failing["a"] = LookupError()
                case "not finished":
                    here.executor.failing_finish["a"] = DomainError("No room.", ErrorCode.SEED_NOT_KEPT)
                case _:
                    await here.jobs.cancel(Owner(), job)
            here.executor.release()
            found = await here.until(job, "failed", "cancelled")
            assert (found.files, found.result) == ([], None)
            await wait_until_async(lambda: not (folder / job).exists(), "its folder is gone")
            if end == "not finished":
                assert found.fault is not None
                assert found.fault.code == "seedNotKept"
            here.executor.failing.clear()
            here.executor.failing_finish.clear()
            await here.jobs.retry(Owner(), job)
            assert len((await here.until(job, "done")).files) == 1

    asyncio.run(main())


def test_what_gets_its_place_is_not_cancelled(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.hold_finish()
            job = await here.submit("a", size=7)
            found = await here.until(job, "finishing")
            assert (found.result, found.files) == (None, []), "what may still fail is not shown"
            asked = await here.jobs.cancel(Owner(), job)
            assert (asked.state, asked.cancelling) == ("finishing", False)
            here.executor.release_finish()
            assert (await here.until(job, "done")).result == {"name": "a"}
            await here.until(await here.submit("next"), "done")

    asyncio.run(main())


def test_a_restart_between_the_work_and_its_place_does_no_work_twice(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        async with jobs_rig(stores, folder=folder) as here:
            here.executor.hold_finish()
            job = await here.submit("a", size=7)
            await here.until(job, "finishing")
        async with jobs_rig(stores, executor=FakeJobExecutor(), folder=folder) as here:
            found = await here.until(job, "done")
            assert (here.executor.begun, here.executor.finished) == ([], ["a"])
            assert (found.attempt, found.result, [file.bytes for file in found.files]) == (1, {"name": "a"}, [7])
            assert (await here.jobs.file(Owner(), job)).read_bytes() == b"x" * 7

    asyncio.run(main())


def test_work_whose_files_are_gone_begins_again(folder: Path) -> None:
    async def main() -> None:
        store, clock = FakeJobStore(), FakeClock()
        finishing(store, "1" * 26, MADE)
        (folder / ("1" * 26)).mkdir(parents=True)
        (folder / ("1" * 26) / "made.bin").write_bytes(b"torn")
        async with jobs_rig(store, clock=clock, folder=folder) as here:
            await settled(here)
            clock.advance(5.0)
            here.board.changes.announce()
            found = await here.until("1" * 26, "done")
            assert (found.attempt, [file.sha256 for file in found.files]) == (2, [MADE.digest])

    asyncio.run(main())


def test_files_without_a_job_and_jobs_without_their_files_are_settled(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        async with jobs_rig(stores, folder=folder) as here:
            kept, lost = [await here.until(await here.submit(name, size=7), "done") for name in ("kept", "lost")]
        (folder / lost.id / "made.bin").unlink()
        (folder / kept.id / "stray").write_bytes(b"nobody's")
        (folder / ("7" * 26)).mkdir()
        (folder / ("7" * 26) / "made.bin").write_bytes(b"nobody's")
        (folder / "not of a job").mkdir()
        async with jobs_rig(stores, executor=FakeJobExecutor(), folder=folder) as here:
            await settled(here)
            assert [(await here.jobs.find(Owner(), job.id)).files for job in (kept, lost)] == [kept.files, []]
            with pytest.raises(DomainError):
                await here.jobs.file(Owner(), lost.id)
            assert {name for name in names(folder) if "half" not in name} == {f"{kept.id}/made.bin"}
            assert (folder / "not of a job").exists()

    asyncio.run(main())


def test_what_a_job_goes_on_with_survives_a_restart_and_a_failure(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        executor = FakeJobExecutor(after_restart=AfterRestart.GOES_ON)
        executor.failing["a"] = LookupError()
        async with jobs_rig(stores, executor=executor, folder=folder) as here:
            job = await here.submit("a")
            await here.until(job, "failed")
        again = FakeJobExecutor(after_restart=AfterRestart.GOES_ON)
        async with jobs_rig(stores, executor=again, folder=folder) as here:
            await here.jobs.retry(Owner(), job)
            await here.until(job, "done")
            assert again.found == [["half"]]

    asyncio.run(main())


def test_the_time_of_what_goes_on_runs_out_over_a_restart(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        clock, executor = FakeClock(), FakeJobExecutor(after_restart=AfterRestart.GOES_ON)
        executor.hold()
        async with jobs_rig(stores, executor=executor, clock=clock, folder=folder) as here:
            job = await here.submit("a")
            await here.until_begun("a")
            assert (await here.until(job, "running")).deadline_at == clock.wall() + executor.limit_s
        clock.advance(executor.limit_s + 1)
        again = FakeJobExecutor(after_restart=AfterRestart.GOES_ON)
        async with jobs_rig(stores, executor=again, clock=clock, folder=folder) as here:
            found = await here.until(job, "failed")
            assert found.fault is not None
            assert found.fault.code == "requestTimeout"
            await here.jobs.retry(Owner(), job)
            await here.until(job, "done")

    asyncio.run(main())


def test_the_oldest_files_of_a_kind_make_room_and_live_jobs_stay(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        clock, other = FakeClock(), FakeJobExecutor("other", "network")
        config = JobsConfig(kept_bytes=25, kept=3)
        async with jobs_rig(stores, other, clock=clock, config=config, folder=folder) as here:
            ids: list[str] = []
            for number in range(4):
                ids.append(await here.submit(str(number), size=10))
                await here.until(ids[-1], "done")
                clock.advance(1.0)
            beside = await here.until(await here.submit("beside", kind="other", size=10), "done")
            clock.advance(1.0)
            here.executor.hold()
            live = await here.submit("live", size=100)
            await here.until_begun("live")
            await here.retention.prune()
            assert [job.id for job in (await here.jobs.list_jobs(Owner())).jobs] == [live, beside.id, ids[3], ids[2]]
            assert not (folder / ids[1]).exists()
            assert (folder / live / "half").exists()
            here.executor.release()
            await here.until(live, "done")

    asyncio.run(main())


def test_files_have_less_room_as_soon_as_the_settings_say_so(stores: JobStores, folder: Path) -> None:
    async def main() -> None:
        limits = [JobsConfig(kept_bytes=25)]
        async with jobs_rig(stores, config=Current(lambda: limits[-1]), folder=folder) as here:
            for number in range(2):
                await here.until(await here.submit(str(number), size=10), "done")
            await here.retention.prune()
            assert len((await here.jobs.list_jobs(Owner())).jobs) == 2
            limits.append(JobsConfig(kept_bytes=15))
            await here.retention.prune()
            assert len((await here.jobs.list_jobs(Owner())).jobs) == 1

    asyncio.run(main())


def test_work_that_is_done_is_kept_when_there_is_room_again(folder: Path) -> None:
    async def main() -> None:
        store = FakeJobStore()
        async with jobs_rig(store, folder=folder) as here:
            here.executor.hold()
            job = await here.submit("a", size=7)
            await here.until_begun("a")
            await wait_until_async(lambda: getattr(here.board.find_live(job), "fraction", None) == 0.5, "it is told")
            store.fail = JobStoreError(JobStoreFault.FULL, "The disk is full.")
            here.executor.release()
            refused = store.refused
            await wait_until_async(lambda: store.refused > refused + 1, "the server tried to keep what was done, twice")
            assert (folder / job / "made.bin").exists()
            store.fail = None
            found = await here.until(job, "done")
            assert (here.executor.begun, found.attempt) == (["a"], 1)

    asyncio.run(main())


def test_a_job_of_a_kind_that_is_gone_is_told_as_interrupted() -> None:
    async def main() -> None:
        store = FakeJobStore()
        store.add(NewJob(id="1" * 26, kind="gone", owner="", request={}, digest=""), 1.0)
        store.apply("1" * 26, Began("an earlier run", 60.0), 2.0)
        async with jobs_rig(store) as here:
            await here.until("1" * 26, "interrupted")
        found = store.find("1" * 26)
        assert found is not None
        assert found.state is JobState.INTERRUPTED

    asyncio.run(main())
