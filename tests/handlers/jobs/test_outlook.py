"""How long jobs will wait and take: from progress and from earlier jobs, and null where neither says anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from access_rules import Owner
from services.job_store.job import Began, FinishBegan, StageReached, Succeeded
from services.job_store.job_store import NewJob
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.fakes.fake_job_store import FakeJobStore
from tests.handlers.jobs.jobs_rig import jobs_rig
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from tests.handlers.jobs.jobs_rig import JobsRig


def done_before(store: FakeJobStore, *seconds: float) -> None:
    for number, taken in enumerate(seconds):
        job_id = f"{number:026d}"
        store.add(NewJob(id=job_id, kind="fake", owner="", request={}, digest=""), 1.0)
        store.apply(job_id, Began("earlier", 60.0), 2.0)
        store.apply(job_id, FinishBegan({}), 2.0 + taken)
        store.apply(job_id, Succeeded(), 2.0 + taken)


async def held(here: JobsRig) -> str:
    """A job that is in the middle of its only stage."""
    here.executor.hold()
    job = await here.submit("a")
    await wait_until_async(lambda: _is_half_done(here, job), "it is half done")
    return job


def _is_half_done(here: JobsRig, job: str) -> bool:
    live = here.board.find_live(job)
    return live is not None and (live.job.stage, live.fraction) == ("working", 0.5)


def test_what_is_left_follows_from_what_is_done() -> None:
    async def main() -> None:
        clock = FakeClock()
        async with jobs_rig(clock=clock) as here:
            job, next_one = await held(here), await here.submit("b")
            assert (await here.jobs.find(Owner(), job)).remaining_s is None, "it has only just begun"
            clock.advance(30.0)
            here.board.progress(job, 0.75)
            assert (await here.jobs.find(Owner(), job)).remaining_s == 10
            waiting = await here.jobs.find(Owner(), next_one)
            assert (waiting.position, waiting.waiting_s, waiting.remaining_s) == (0, 10, None)
            third = await here.jobs.find(Owner(), await here.submit("c"))
            assert (third.position, third.waiting_s) == (1, None), "nobody knows how long the one before it takes"
            here.executor.release()

    asyncio.run(main())


def test_earlier_jobs_say_how_long_one_takes() -> None:
    async def main() -> None:
        store, clock, executor = FakeJobStore(), FakeClock(), FakeJobExecutor()
        done_before(store, 10.0, 1000.0, 60.0, -5.0)  # the clock was set back in the last one
        executor.stages = ("working", "checking")  # so that half of the first says little
        async with jobs_rig(store, clock=clock, executor=executor) as here:
            job = await held(here)
            jobs = [job, await here.submit("b"), await here.submit("c")]
            clock.advance(20.0)
            running, second, third = [await here.jobs.find(Owner(), job_id) for job_id in jobs]
            assert running.remaining_s == 40
            assert (second.waiting_s, third.waiting_s) == (40, 100)
            clock.advance(100.0)
            assert [(await here.jobs.find(Owner(), job_id)).remaining_s for job_id in jobs] == [None, None, None]
            assert (await here.jobs.find(Owner(), jobs[1])).waiting_s is None, "it takes longer than any did"
            executor.release()

    asyncio.run(main())


def test_a_job_that_was_done_is_learned_from() -> None:
    async def main() -> None:
        clock = FakeClock()
        async with jobs_rig(clock=clock) as here:
            job = await held(here)
            clock.advance(50.0)
            here.executor.release()
            await here.until(job, "done")
            await here.until(await here.submit("quick"), "done")  # it took no time, which says nothing
            again = await held(here)
            assert (await here.jobs.find(Owner(), again)).remaining_s == 50
            here.executor.release()

    asyncio.run(main())


def test_a_stage_begins_anew() -> None:
    async def main() -> None:
        clock, executor = FakeClock(), FakeJobExecutor()
        executor.stages = ("working", "checking")
        async with jobs_rig(clock=clock, executor=executor) as here:
            job = await held(here)
            clock.advance(1000.0)
            await here.board.apply(job, StageReached("checking"))
            here.board.progress(job, None)
            clock.advance(9.0)
            here.board.progress(job, 0.9)
            assert (await here.jobs.find(Owner(), job)).remaining_s == 1
            executor.release()

    asyncio.run(main())
