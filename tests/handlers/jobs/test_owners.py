"""Jobs of different people: what each sees, and what owners of the server see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from access_rules import Anonymous, Owner, Person
from error_types import DomainError, ErrorCode
from runtime_config.runtime_config import JobsConfig
from services.account_store.account import Role, Scope
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.handlers.jobs.jobs_rig import jobs_rig

if TYPE_CHECKING:
    from access_rules import Visitor
    from handlers.jobs.jobs_handler import JobsHandler
    from tests.handlers.jobs.jobs_rig import JobsRig

ANN, BOB = (Person(name, name.title(), Role.PLAYER, frozenset(Scope)) for name in ("ann", "bob"))
EVE = Person("eve", "Eve", Role.OWNER, frozenset(Scope))
STRANGER = Anonymous("192.0.2.7")
KIND = "scene"  # that people may ask for


async def asked(here: JobsRig, visitor: Visitor, name: str, key: str | None = None) -> str:
    job, _ = await here.jobs.submit(visitor, KIND, {"name": name}, key=key)
    return job.id


async def listed(here: JobsRig, visitor: Visitor) -> list[tuple[str, str | None]]:
    """By name: jobs of one moment have no order."""
    return sorted((str(job.request["name"]), job.owner) for job in (await here.jobs.list_jobs(visitor)).jobs)


def test_each_sees_their_own_and_owners_of_the_server_see_whose_all_are() -> None:
    async def main() -> None:
        async with jobs_rig(executor=FakeJobExecutor(KIND)) as here:
            for visitor, name in ((ANN, "a"), (BOB, "b"), (Owner(), "o")):
                await here.until(await asked(here, visitor, name), "done")
            assert await listed(here, ANN) == [("a", None)]
            assert await listed(here, BOB) == [("b", None)]
            assert await listed(here, EVE) == await listed(here, Owner()) == [("a", "Ann"), ("b", "Bob"), ("o", None)]
            assert await listed(here, STRANGER) == [("o", None)]

    asyncio.run(main())


async def touch(jobs: JobsHandler, how: str, job: str) -> None:
    """As Bob."""
    match how:
        case "find":
            await jobs.find(BOB, job)
        case "cancel":
            await jobs.cancel(BOB, job)
        case "retry":
            await jobs.retry(BOB, job)
        case "forget":
            await jobs.forget(BOB, job)
        case "file":
            await jobs.file(BOB, job)
        case "events":
            await jobs.events(BOB, job, None, 10)
        case _:
            await jobs.require_unseen(BOB, job, None)


@pytest.mark.parametrize("how", ["find", "cancel", "retry", "forget", "file", "events", "stream"])
def test_what_is_anothers_is_not_there(how: str) -> None:
    async def main() -> None:
        executor = FakeJobExecutor(KIND)
        executor.hold()
        async with jobs_rig(executor=executor) as here:
            anns = await asked(here, ANN, "a")
            await here.until_begun("a")
            for job in (anns, await asked(here, Owner(), "o"), "nothing"):
                with pytest.raises(DomainError, match="no such job") as caught:
                    await touch(here.jobs, how, job)
                assert caught.value.code is ErrorCode.JOB_UNKNOWN
            executor.release()
            assert (await here.until(anns, "done")).state == "done", "somebody else has stopped it"

    asyncio.run(main())


def test_everybody_follows_their_own_alone() -> None:
    async def main() -> None:
        async with jobs_rig(executor=FakeJobExecutor(KIND)) as here:
            for visitor, name in ((ANN, "a"), (BOB, "b"), (ANN, "c")):
                await here.until(await asked(here, visitor, name), "done")
            names = {job.id: str(job.request["name"]) for job in (await here.jobs.list_jobs(Owner())).jobs}
            here.feed.stop()

            async def heard(visitor: Visitor) -> set[str]:
                events = [event async for event in here.jobs.follow(visitor, None)]
                return {names[str(event.data["job"])] for event in events if "job" in event.data}

            assert await heard(ANN) == {"a", "c"}
            assert await heard(BOB) == {"b"}
            assert await heard(EVE) == {"a", "b", "c"}

    asyncio.run(main())


def test_keys_and_limits_are_each_persons_own() -> None:
    async def main() -> None:
        executor = FakeJobExecutor(KIND)
        executor.hold()
        async with jobs_rig(executor=executor, config=JobsConfig(max_queued=2)) as here:
            first = await asked(here, ANN, "a", key="k")
            assert await asked(here, BOB, "b", key="k") != first
            assert await asked(here, ANN, "a", key="k") == first
            await asked(here, ANN, "c")
            with pytest.raises(DomainError) as caught:
                await asked(here, ANN, "d")
            assert caught.value.code is ErrorCode.TOO_MANY_REQUESTS
            await asked(here, BOB, "e")

    asyncio.run(main())


def test_the_jobs_of_somebody_who_is_gone_go_on_as_the_owner_roles() -> None:
    async def main() -> None:
        executor = FakeJobExecutor(KIND)
        executor.hold()
        async with jobs_rig(executor=executor) as here:
            job = await asked(here, ANN, "a", key="k")
            await here.until_begun("a")
            await here.jobs.disown("ann")
            assert (await here.jobs.find(Owner(), job)).state == "running"
            with pytest.raises(DomainError, match="no such job"):
                await here.jobs.find(ANN, job)
            assert {live.job.owner for live in here.board.live()} == {""}
            executor.release()
            done = await here.until(job, "done")
            assert (done.owner, await listed(here, STRANGER)) == (None, [("a", None)])

    asyncio.run(main())
