"""Jobs of several servers on one database: each is made once, by whoever lives."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest

from access_rules import Owner
from handlers.jobs.feed import Progress, StreamEnded
from services.database.shared_database import SharedDatabase
from services.job_store.job import JobState
from services.job_store.job_store import JobNotice
from services.job_store.sql_job_stores import SqlJobStores
from services.peer_store.sql_peer_stores import SqlPeerStores
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_peer_store import FakePeerStore
from tests.handlers.jobs.jobs_rig import jobs_rig
from tests.postgres import emptied_postgres_url
from tests.waiting import deadline_s, wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from services.job_store.job_store import JobStore
    from tests.handlers.jobs.jobs_rig import JobsRig

    Servers = Callable[..., AbstractAsyncContextManager[JobsRig]]

LOOKS = 8  # without a beat, after which a server is gone


@pytest.fixture(params=["fake", "postgres"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Servers]:
    """Servers with one folder and one database, which each opens for itself."""
    if request.param == "fake":
        jobs, peers = FakeJobStore(), FakePeerStore()

        def alike(**options: Any) -> AbstractAsyncContextManager[JobsRig]:
            return jobs_rig(jobs, peer_stores=peers, folder=tmp_path / "jobs", **options)

        yield alike
        return
    url = emptied_postgres_url()

    @asynccontextmanager
    async def server(**options: Any) -> AsyncGenerator[JobsRig]:
        database = SharedDatabase(tmp_path / "unused.sqlite", url)
        with closing(database):
            stores, peers = SqlJobStores(database), SqlPeerStores(database)
            async with jobs_rig(stores, peer_stores=peers, folder=tmp_path / "jobs", **options) as rig:
                yield rig

    yield server


async def take_for_gone(*here: JobsRig) -> None:
    """Look so often that whoever does not beat meanwhile is gone. Each look is a beat, too, so they look by turns."""
    for _ in range(LOOKS + 1):
        await asyncio.gather(*(each.peers.look() for each in here))


class LateJobStores:
    """Jobs that cannot be read before `opens` is set."""

    def __init__(self, jobs: FakeJobStore) -> None:
        self.opens = threading.Event()
        self._jobs = jobs

    def has_begun(self) -> bool:
        return True

    def open(self) -> JobStore:
        assert self.opens.wait(deadline_s())
        return self._jobs.open()


def held() -> FakeJobExecutor:
    executor = FakeJobExecutor()
    executor.hold()
    return executor


def test_jobs_are_made_once_and_known_everywhere(servers: Servers) -> None:
    async def main() -> None:
        async with servers() as north, servers() as east:
            names = [f"job {number}" for number in range(20)]
            jobs = [await (north if number % 2 else east).submit(name) for number, name in enumerate(names)]
            for job in jobs:
                await north.until(job, "done")
                await east.until(job, "done")
            assert sorted(north.executor.begun + east.executor.begun) == sorted(names)
            await wait_until_async(lambda: not north.board.live() and not east.board.live(), "both know the ends")

    asyncio.run(main())


def test_a_server_that_is_to_go_ends_its_job_and_leaves_what_is_queued_to_others(servers: Servers) -> None:
    async def main() -> None:
        async with servers(executor=held()) as north, servers(executor=held()) as east:
            first = await north.submit("first")
            await wait_until_async(lambda: bool(north.executor.begun or east.executor.begun), "it began")
            going, staying = (north, east) if north.executor.begun else (east, north)
            going.scheduler.take_on(is_wanted=False)
            await staying.submit("second")
            await staying.until_begun("second")  # which keeps it busy
            third = await going.submit("third")
            going.executor.release()
            await going.until(first, "done")
            staying.executor.release()
            await staying.until(third, "done")
            assert (going.executor.begun, staying.executor.begun) == (["first"], ["second", "third"])

    asyncio.run(main())


def test_a_server_hears_of_jobs_that_another_one_took_on(servers: Servers) -> None:
    async def main() -> None:
        async with servers(executor=held()) as north:
            first = await north.submit("first")
            await north.until_begun("first")
            async with servers(executor=held()) as east:
                await north.submit("second")
                await east.until_begun("second")
                assert (north.executor.begun, east.executor.begun) == (["first"], ["second"])
                assert (await east.jobs.find(Owner(), first)).state == "running"

    asyncio.run(main())


def test_a_server_that_begins_leaves_jobs_alone_of_one_that_came_after_it_looked(tmp_path: Path) -> None:
    async def main() -> None:
        jobs, peers = FakeJobStore(), FakePeerStore()
        late = LateJobStores(jobs)
        async with jobs_rig(late, peer_stores=peers, folder=tmp_path) as north:
            try:
                await north.peers.known()
                async with jobs_rig(jobs, peer_stores=peers, folder=tmp_path, executor=held()) as east:
                    job = await east.submit("a")
                    await east.until_begun("a")
                    late.opens.set()
                    await north.until(job, "running")
                    await wait_until_async(lambda: north.board.find_live(job) is not None, "north has settled")
                    east.executor.release()
                    assert (await east.until(job, "done")).attempt == 1
                    assert north.executor.begun == []
            finally:
                late.opens.set()

    asyncio.run(main())


def test_a_job_is_cancelled_from_any_server(servers: Servers) -> None:
    async def main() -> None:
        async with servers(executor=held()) as north:
            job = await north.submit("a")
            await north.until_begun("a")
            async with servers() as east:
                await east.jobs.cancel(Owner(), job)
                await east.until(job, "cancelled")
                await north.until(job, "cancelled")
                assert north.executor.stopped == ["a"]

    asyncio.run(main())


def test_a_stream_tells_what_happens_elsewhere(servers: Servers) -> None:
    async def main() -> None:
        async with servers(executor=held()) as north:
            job = await north.submit("a")
            await north.until_begun("a")
            async with servers() as east:
                told: list[str] = []

                async def follow() -> None:
                    async for item in east.feed.follow(0, job_id=job):
                        match item:
                            case JobNotice(data=data):
                                told.append(data.get("state", "stage"))
                            case StreamEnded(reason):
                                told.append(reason)
                            case Progress():
                                pass

                following = asyncio.create_task(follow())
                await wait_until_async(lambda: "stage" in told, "it follows")
                north.executor.release()
                await following
                assert told == ["queued", "running", "stage", "finishing", "done", "finished"]

    asyncio.run(main())


def test_what_a_server_leaves_at_its_death_is_made_by_another(servers: Servers) -> None:
    async def main() -> None:
        clock = FakeClock()
        async with AsyncExitStack() as stack:
            north = await stack.enter_async_context(servers(executor=held(), dies=True))
            job = await north.submit("a")
            await north.until_begun("a")
            async with servers(clock=clock) as east:
                await stack.aclose()
                await wait_until_async(lambda: state_in(east, job) is JobState.RUNNING, "the other knows of it")
                assert not east.peers.is_gone(north.peers.run)
                await take_for_gone(east)
                await wait_until_async(lambda: state_in(east, job) is JobState.QUEUED, "it is to be made again")
                clock.advance(60.0)
                east.board.changes.announce()
                done = await east.until(job, "done")
                assert (done.attempt, east.executor.begun, north.executor.finished) == (2, ["a"], [])
                await wait_until_async(lambda: east.peers.gone() == (), "the dead one is forgotten")

    asyncio.run(main())


def test_a_server_that_stops_hands_over_at_once(servers: Servers) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            north = await stack.enter_async_context(servers(executor=held()))
            job = await north.submit("a")
            await north.until_begun("a")
            async with servers() as east:
                await stack.aclose()
                await east.peers.look()
                await wait_until_async(lambda: state_in(east, job) is JobState.QUEUED, "it is to be made again")

    asyncio.run(main())


def test_whoever_was_taken_for_gone_stops_what_is_another_s(servers: Servers) -> None:
    async def main() -> None:
        clock = FakeClock()
        async with servers(executor=held()) as north:
            job = await north.submit("a")
            await north.until_begun("a")
            async with servers(clock=clock, executor=held()) as east:
                await take_for_gone(east)
                await wait_until_async(lambda: north.executor.stopped == ["a"], "it stops what is no longer its own")
                clock.advance(60.0)
                east.board.changes.announce()
                await east.until_begun("a")
                assert east.executor.found == [[]]
                east.executor.release()
                assert (await north.until(job, "done")).attempt == 2

    asyncio.run(main())


def test_work_that_was_done_is_finished_by_another(servers: Servers) -> None:
    async def main() -> None:
        executor = FakeJobExecutor()
        executor.hold_finish()
        async with AsyncExitStack() as stack:
            north = await stack.enter_async_context(servers(executor=executor, dies=True))
            job = await north.submit("a", size=100)
            await north.until(job, "finishing")
            async with servers() as east:
                await stack.aclose()
                await take_for_gone(east)
                done = await east.until(job, "done")
                assert (executor.finished, east.executor.begun, east.executor.finished) == ([], [], ["a"])
                assert (done.attempt, done.files[0].bytes) == (1, 100)

    asyncio.run(main())


@pytest.mark.trial
@pytest.mark.timeout(600)
def test_no_job_is_lost_or_made_twice_over_a_hundred_deaths(servers: Servers) -> None:
    """Each server dies with a job at one of three points; two others see it at the same time, and one makes the job."""

    async def main() -> None:
        made: list[str] = []
        for number in range(100):
            name, clock, executor = f"job {number}", FakeClock(), FakeJobExecutor()
            is_done = number % 3 == 0
            (executor.hold_finish if is_done else executor.hold)()
            async with AsyncExitStack() as stack:
                north = await stack.enter_async_context(servers(executor=executor, dies=True))
                job = await north.submit(name)
                await north.until(job, "finishing" if is_done else "running")
                async with servers(clock=clock) as east, servers(clock=clock) as south:
                    await stack.aclose()
                    await take_for_gone(east, south)
                    while (await east.jobs.find(Owner(), job)).state != "done":
                        clock.advance(60.0)
                        east.board.changes.announce()
                        south.board.changes.announce()
                        await asyncio.sleep(0.01)
                    made += east.executor.finished + south.executor.finished + executor.finished
        assert made == [f"job {number}" for number in range(100)]

    asyncio.run(main())


def state_in(server: JobsRig, job: str) -> JobState | None:
    live = server.board.find_live(job)
    return None if live is None else live.job.state
