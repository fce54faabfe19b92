"""What happens to jobs, followed: every event once and in order, over cuts and a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from access_rules import Owner
from handlers.jobs.feed import Progress, StreamEnded
from handlers.jobs.outlook import Outlook
from services.database.shared_database import SharedDatabase
from services.job_store.job import CancelAsked
from services.job_store.job_store import JobNotice, NewJob
from services.job_store.sql_job_stores import SqlJobStores
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.handlers.jobs.jobs_rig import jobs_rig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from handlers.jobs.feed import FeedItem
    from services.job_store.job_store import JobStores
    from tests.handlers.jobs.jobs_rig import JobsRig


@pytest.fixture(params=["sqlite", "fake"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> JobStores:
    return SqlJobStores(SharedDatabase(tmp_path / "terrarium.sqlite")) if request.param == "sqlite" else FakeJobStore()


def states(items: list[FeedItem]) -> list[object]:
    return [
        item.data.get("state", item.data.get("stage")) if isinstance(item, JobNotice) else type(item).__name__
        for item in items
        if not isinstance(item, Progress)
    ]


def test_a_job_is_followed_to_its_end(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.hold()
            job = await here.submit()
            items: list[FeedItem] = []
            async for item in here.feed.follow(0, job_id=job):
                items.append(item)
                if isinstance(item, Progress) and (item.stage, item.fraction) == ("working", 0.5):
                    here.executor.release()
            assert states(items) == ["queued", "running", "working", "finishing", "done", "StreamEnded"]
            assert items[-1] == StreamEnded("finished")

    asyncio.run(main())


async def collect(stream: AsyncGenerator[FeedItem]) -> list[FeedItem]:
    return [item async for item in stream]


def test_every_stream_ends_when_the_server_stops(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            here.executor.hold()
            job = await here.submit()
            readers = [asyncio.create_task(collect(here.feed.follow(0, job_id=wanted))) for wanted in (None, job, None)]
            await here.until_begun("a")
            here.feed.stop()
            for items in await asyncio.gather(*readers):
                assert items[-1] == StreamEnded("shutdown")

    asyncio.run(main())


def test_nothing_is_lost_or_told_twice_over_fifty_cuts_and_a_restart(stores: JobStores) -> None:
    """500 jobs, each accepted and cancelled: 1,000 events."""
    seen: list[int] = []

    async def follow(here: JobsRig, until: int) -> None:
        """As a client does that comes back with the last number that it has seen."""
        async for item in here.feed.follow(seen[-1] if seen else 0):
            if isinstance(item, JobNotice):
                seen.append(item.number)
                if len(seen) >= until:
                    return

    async def write(here: JobsRig, first: int) -> None:
        for number in range(first, first + 250):
            new = NewJob(id=f"{number:026d}", kind="none", owner="", request={}, digest="")
            await here.board.add(new)
            await here.board.apply(new.id, CancelAsked())

    async def main() -> None:
        for run in range(2):
            async with jobs_rig(stores, executor=FakeJobExecutor()) as here:
                writing = asyncio.create_task(write(here, 250 * run))
                for cut in range(25):
                    await follow(here, 500 * run + 20 * (cut + 1))
                await writing
        assert len(seen) == 1000
        assert seen == sorted(set(seen))

    asyncio.run(main())


def test_a_reader_that_lags_far_behind_catches_up(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            for number in range(300):
                new = NewJob(id=f"{number:026d}", kind="none", owner="", request={}, digest="")
                await here.board.add(new)
                await here.board.apply(new.id, CancelAsked())
            numbers: list[int] = []
            async for item in here.feed.follow(100):
                assert isinstance(item, JobNotice)
                numbers.append(item.number)
                if len(numbers) == 500:
                    break
            assert numbers == list(range(101, 601))

    asyncio.run(main())


def test_who_has_seen_all_of_a_job_is_told_so(stores: JobStores) -> None:
    async def main() -> None:
        async with jobs_rig(stores) as here:
            job = await here.submit()
            await here.until(job, "done")
            last = (await here.jobs.list_jobs(Owner())).newest_event
            assert await here.feed.is_exhausted(job, last)
            assert not await here.feed.is_exhausted(job, last - 1)

    asyncio.run(main())


def outlook(position: int | None = None, waiting_s: float | None = None, remaining_s: float | None = None) -> Progress:
    return Progress("1" * 26, None, None, Outlook(position, waiting_s, remaining_s))


@pytest.mark.parametrize(
    ("told", "present", "is_news"),
    [
        (outlook(3, waiting_s=100.0), outlook(3, waiting_s=90.0), False),
        (outlook(3, waiting_s=100.0), outlook(2, waiting_s=100.0), True),
        (outlook(3, waiting_s=100.0), outlook(3, waiting_s=75.0), True),
        (outlook(3, waiting_s=None), outlook(3, waiting_s=1.0), True),
        (outlook(remaining_s=10.0), outlook(remaining_s=6.0), False),
        (outlook(remaining_s=10.0), outlook(remaining_s=4.0), True),
        (outlook(remaining_s=10.0), outlook(remaining_s=None), True),
    ],
)
def test_expected_times_are_told_again_when_they_differ_by_much(
    told: Progress, present: Progress, *, is_news: bool
) -> None:
    assert present.says_more_than(None)
    assert present.says_more_than(told) == is_news
