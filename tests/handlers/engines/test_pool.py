"""Leases on engines: who gets one, who waits, what is unloaded for whom, and what a cancellation leaves."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from error_types import DomainError, ErrorCode
from handlers.engines.lease import LeaseError
from runtime_config.current import Current
from services.engine_measurements.engine_measurements import EngineMeasurement, Pace
from services.world_engine.engine_pace import EnginePace
from state.app_state_types import (
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineReady,
    EngineUnloaded,
    EngineUnloading,
    leases_of,
)
from tests.cancelling import for_each_await
from tests.handlers.engines.rig import HILL, LAKE, POND, Rig, run

KEYS = (POND, LAKE, HILL)


def sessions_on(here: Rig, key: EngineKey) -> list[str]:
    return [lease.session for lease in leases_of(here.pool.of(key))]


# ---------------------------------------------------------------------------------------------------- leases


def test_an_engine_is_loaded_once_and_stays_when_its_leases_end() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(POND, "one") as one, here.lease(POND, "two") as two:
            assert one.engine is two.engine is here.pond.engines[0]
            assert sessions_on(here, POND) == ["one", "two"]
            assert one.id != two.id
        assert here.pool.of(POND) == EngineReady(idle_since=here.clock.monotonic())
        assert here.pool.loaded_models() == {POND.model_id}
        with pytest.raises(LeaseError):
            _ = one.engine
        for late in (here.pool.reload(one), here.pool.offload(one)):
            with pytest.raises(LeaseError):
                await late

    run(main)


def test_a_lease_is_a_right_to_one_world() -> None:
    async def main() -> None:
        here = Rig(max_worlds=2)
        async with here.lease(LAKE), here.lease(LAKE) as second:
            with pytest.raises(DomainError, match=r"plays 2 world\(s\) at a time.*number 1 in line") as refused:
                async with here.lease(LAKE):
                    pass
            assert refused.value.code is ErrorCode.MODEL_BUSY
            assert second.engine is here.lake.engines[0]

    run(main)


def test_whoever_finds_no_room_waits_in_line_and_nobody_overtakes() -> None:
    async def main() -> None:
        here, told, came = Rig(), dict[str, list[int]](), list[str]()

        async def play(session: str, until: asyncio.Event) -> None:
            numbers = told.setdefault(session, [])
            async with here.pool.lease(LAKE, session, in_line=numbers.append):
                came.append(session)
                await until.wait()

        ends = {session: asyncio.Event() for session in ("one", "two", "three", "four")}
        tasks: dict[str, asyncio.Task[None]] = {}
        for at, (session, end) in enumerate(ends.items()):
            tasks[session] = asyncio.create_task(play(session, end))
            await here.until(lambda at=at, session=session: bool(told.get(session)) if at else came == ["one"])
        assert told == {"one": [], "two": [1], "three": [2], "four": [3]}
        assert not here.pool.has_room(LAKE)
        tasks["two"].cancel()
        await here.until(lambda: told["four"] == [3, 2])
        ends["one"].set()
        await here.until(lambda: came == ["one", "three"])
        assert told == {"one": [], "two": [1], "three": [2, 1], "four": [3, 2, 1]}
        for end in ends.values():
            end.set()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert came == ["one", "three", "four"]
        assert here.pool.of(LAKE) == EngineReady(max_worlds=1, idle_since=here.clock.monotonic())

    run(main)


def test_an_engine_that_has_been_measured_takes_as_many_worlds_as_keep_their_rate() -> None:
    async def main() -> None:
        percent = 80
        here = Rig(max_worlds=None, least_rate_percent=Current(lambda: percent))
        async with here.lease(LAKE, "one"):
            engine = here.lake.engines[0]
            interval_s = engine.spec.pass_interval_s
            engine.pace = EnginePace({1: interval_s, 2: 1.2 * interval_s}, is_batched=True)
            async with here.lease(LAKE, "two"):
                assert not here.pool.has_room(LAKE)
                with pytest.raises(DomainError, match=r"plays 2 world\(s\) .* 80 % of its rate") as refused:
                    async with here.lease(LAKE, "three"):
                        pass
                assert refused.value.code is ErrorCode.MODEL_BUSY
                percent = 0
                async with here.lease(LAKE, "three"):
                    assert here.pool.has_room(LAKE)

    run(main)


def test_before_the_first_pass_an_earlier_benchmark_says_how_many_worlds_keep_their_rate() -> None:
    async def main() -> None:
        here = Rig(max_worlds=None)
        pace = Pace(fps=60, step_p50_ms=20.0, step_p95_ms=25.0)  # of the 33 ms of a pass
        here.needs.keep(LAKE, EngineMeasurement(pace=pace))
        async with here.lease(LAKE, "one"), here.lease(LAKE, "two"):
            assert not here.pool.has_room(LAKE)
            engine = here.lake.engines[0]
            engine.pace = EnginePace({1: 0.2 * engine.spec.pass_interval_s}, is_batched=False)  # today it is quicker
            assert here.pool.has_room(LAKE)
        async with here.lease(HILL, "of which nothing is known"):
            assert here.pool.has_room(HILL)

    run(main)


def test_those_who_wait_beyond_the_limit_are_refused_when_the_engine_is_there() -> None:
    async def main() -> None:
        here = Rig()
        here.lake.hold, refused = threading.Event(), asyncio.Event()

        async def play(session: str) -> str:
            try:
                async with here.lease(LAKE, session):
                    await refused.wait()
            finally:
                refused.set()
            return session

        waiting = [asyncio.create_task(play(session)) for session in ("one", "two")]
        await here.until(lambda: sessions_on(here, LAKE) == ["one", "two"])
        here.lake.hold.set()
        first, second = await asyncio.gather(*waiting, return_exceptions=True)
        assert first == "one"
        assert isinstance(second, DomainError)
        assert second.code is ErrorCode.MODEL_BUSY

    run(main)


def test_a_failed_load_is_told_to_all_who_waited_and_tried_again_by_the_next() -> None:
    async def main() -> None:
        here = Rig(max_worlds=None)
        here.lake.hold, here.lake.fail = threading.Event(), "The device is full."

        async def play(session: str) -> None:
            async with here.lease(LAKE, session):
                pass

        waiting = [asyncio.create_task(play(session)) for session in ("one", "two")]
        await here.until(lambda: len(sessions_on(here, LAKE)) == 2)
        here.lake.hold.set()
        failures = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(failure) for failure in failures] == ["The device is full."] * 2
        assert here.pool.of(LAKE) == EngineFailed(1, "The device is full.")
        here.lake.fail = None
        async with here.lease(LAKE) as lease:
            assert lease.engine is here.lake.engines[0]

    run(main)


def test_a_load_that_no_thread_can_be_started_for_has_failed() -> None:
    async def main() -> None:
        here = Rig()
        here.runner.close(0)
        with pytest.raises(DomainError, match="server is stopping") as refused:
            async with here.lease(LAKE):
                pass
        assert refused.value.code is ErrorCode.MODEL_LOAD_FAILED

    run(main)


# ------------------------------------------------------------------------------------------------ the one device


def test_two_who_want_the_device_do_not_evict_each_others_loads() -> None:
    """A load must not be evicted before its requester wakes, or two requesters would reload for ever."""

    async def main() -> None:
        here = Rig(max_worlds=None)

        async def play(key: EngineKey) -> str:
            async with here.lease(key, str(key)):
                await asyncio.sleep(0)
                return key.model_id

        for _ in range(20):
            outcomes = await asyncio.gather(play(LAKE), play(HILL), return_exceptions=True)
            assert sum(isinstance(outcome, str) for outcome in outcomes) >= 1
            for outcome in outcomes:
                assert isinstance(outcome, str) or (
                    isinstance(outcome, DomainError) and outcome.code is ErrorCode.MODEL_BUSY
                )
            await here.settled(*KEYS)
        assert len(here.lake.engines) + len(here.hill.engines) <= 40, "no load without somebody who plays on it"

    run(main)


def test_a_load_that_its_requester_left_goes_on_and_is_evicted_by_the_next() -> None:
    async def main() -> None:
        here = Rig()
        here.lake.hold = threading.Event()

        async def play(key: EngineKey, session: str) -> str:
            async with here.lease(key, session):
                return session

        leaving = asyncio.create_task(play(LAKE, "leaver"))
        await here.until(lambda: sessions_on(here, LAKE) == ["leaver"])
        leaving.cancel()
        await asyncio.wait({leaving})
        assert here.pool.of(LAKE) == EngineLoading(1)
        next_one = asyncio.create_task(play(HILL, "next"))
        await asyncio.sleep(0)
        assert not next_one.done(), "it waits rather than being refused"
        here.lake.hold.set()
        assert await next_one == "next"
        assert here.device.history == [f"+{LAKE.model_id}", f"-{LAKE.model_id}", f"+{HILL.model_id}"]

    run(main)


def test_an_engine_in_use_keeps_the_device_and_cpu_engines_do_not_care() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE, "player"), here.lease(POND, "walker"):
            for session in ("other", "player"):  # one that has not offloaded its engine is in its own way
                with pytest.raises(DomainError, match="in use by fake/lake") as refused:
                    async with here.lease(HILL, session):
                        pass
                assert refused.value.code is ErrorCode.MODEL_BUSY
        async with here.lease(HILL):
            assert here.pool.of(LAKE) == EngineUnloaded()
            assert here.lake.engines[0].is_closed

    run(main)


# ----------------------------------------------------------------------------------------------------- offloading


def test_an_offloaded_engine_comes_back_to_its_lease() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            assert here.lake.engines[0].is_closed
            assert isinstance(here.pool.of(LAKE), EngineOffloaded)
            with pytest.raises(LeaseError):
                _ = lease.engine
            await here.pool.offload(lease)  # once is enough
            await here.pool.reload(lease)
            assert lease.engine is here.lake.engines[1]
            await here.pool.reload(lease)
            assert len(here.lake.engines) == 2

    run(main)


def test_the_device_of_an_offloaded_engine_is_kept_from_others() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            with pytest.raises(DomainError, match="in use by fake/lake"):
                async with here.lease(HILL, "other"):
                    pass
            async with here.lease(POND, "walker"):
                pass

            async def newcomer() -> None:
                async with here.lease(LAKE, "newcomer"):
                    pass

            waiting = asyncio.create_task(newcomer())
            await asyncio.sleep(0)
            await here.pool.reload(lease)
            with pytest.raises(DomainError, match=r"plays 1 world\(s\)"):
                await waiting

    run(main)


def test_a_reload_ends_with_its_lease() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            async with here.lease(HILL):
                here.hill.hold = threading.Event()
            here.lake.hold, here.lake.fail = threading.Event(), "The device is full."
            reloading = asyncio.create_task(here.pool.reload(lease))
            await here.until(lambda: isinstance(here.pool.of(LAKE), EngineLoading))
        here.lake.hold.set()
        with pytest.raises(LeaseError):
            await reloading
        assert sessions_on(here, LAKE) == []

    run(main)


def test_whoever_waits_for_an_offloaded_engine_has_it_when_its_keeper_leaves() -> None:
    async def main() -> None:
        here = Rig()

        async def newcomer() -> object:
            async with here.lease(LAKE, "newcomer") as mine:
                return mine.engine

        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            waiting = asyncio.create_task(newcomer())
            await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting is here.lake.engines[1]

    run(main)


@pytest.mark.parametrize(("key", "others"), [(POND, 0), (HILL, 1)])
def test_an_engine_stays_that_has_another_lease_or_does_not_use_the_device(key: EngineKey, others: int) -> None:
    async def main() -> None:
        here = Rig()
        async with AsyncExitStack() as stack:
            for number in range(others):
                await stack.enter_async_context(here.lease(key, f"other {number}"))
            lease = await stack.enter_async_context(here.lease(key))
            before = here.pool.of(key)
            for refuses in (here.pool.offload(lease), asyncio.to_thread(here.pool.check_offload, lease)):
                with pytest.raises(DomainError) as refused:
                    await refuses
                assert refused.value.code is ErrorCode.MODEL_BUSY
            assert here.pool.of(key) == before
            assert key.model_id in here.pool.loaded_models()

    run(main)


def test_an_engine_that_is_not_loaded_again_can_be_asked_for_again() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            here.lake.fail = "The device is full."
            with pytest.raises(DomainError, match="full") as failed:
                await here.pool.reload(lease)
            assert failed.value.code is ErrorCode.MODEL_LOAD_FAILED
            here.lake.fail = None
            await here.pool.reload(lease)
            assert lease.engine is here.lake.engines[-1]
            here.lake.fail = "The device is full."
            await here.pool.offload(lease)
            with pytest.raises(DomainError):
                await here.pool.reload(lease)
        assert isinstance(here.pool.of(LAKE), EngineFailed), "a lease that holds nothing gives nothing back"

    run(main)


# ------------------------------------------------------------------------------- two device engines in one session


def test_a_session_goes_from_one_device_engine_to_another() -> None:
    async def main() -> None:
        here = Rig()
        async with AsyncExitStack() as stack:
            async with here.lease(LAKE) as old:
                await here.pool.offload(old)
                new = await stack.enter_async_context(here.lease(HILL))
                assert new.engine is here.hill.engines[0]
            assert here.pool.of(LAKE) == EngineUnloaded()
            assert sessions_on(here, HILL) == ["player"]
        assert here.device.history == [f"+{LAKE.model_id}", f"-{LAKE.model_id}", f"+{HILL.model_id}"]

    run(main)


def test_a_session_goes_back_when_the_other_engine_will_not_do() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as old:
            await here.pool.offload(old)
            async with here.lease(HILL):
                pass
            await here.pool.reload(old)
            assert old.engine is here.lake.engines[1]
            assert here.hill.engines[0].is_closed
            assert here.pool.of(HILL) == EngineUnloaded()

    run(main)


def test_others_wait_for_an_engine_until_the_session_that_loaded_it_has_decided() -> None:
    async def main() -> None:
        here = Rig(max_worlds=None)

        async def newcomer() -> str:
            async with here.lease(HILL, "newcomer"):
                return "newcomer"

        async with AsyncExitStack() as stack:
            async with here.lease(LAKE) as old:
                await here.pool.offload(old)
                await stack.enter_async_context(here.lease(HILL))
                waiting = asyncio.create_task(newcomer())
                await asyncio.sleep(0)
                assert sessions_on(here, HILL) == ["player"]
            assert await waiting == "newcomer"

    run(main)


# ----------------------------------------------------------------------------------------- cancelled at every await


def check_nothing_is_held(here: Rig) -> None:
    """Whatever happened: no lease is left, and somebody else can have the device."""
    assert [sessions_on(here, key) for key in KEYS] == [[], [], []]


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_lease_leaves_nothing_behind(times: int) -> None:
    async def main() -> None:
        here = Rig()

        async def lease() -> None:
            async with here.lease(LAKE) as mine:
                assert mine.engine.spec.model_id == LAKE.model_id
                await asyncio.sleep(0)

        async for _ in for_each_await(lease, times=times):
            check_nothing_is_held(here)
            await here.settled(*KEYS)
            async with here.lease(HILL, "next"):
                pass

    run(main)


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_offload_or_reload_leaves_a_lease_that_works(times: int) -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:

            async def there_and_back() -> None:
                events = asyncio.get_running_loop()
                here.device.hold_closing, here.lake.hold = threading.Event(), threading.Event()
                events.call_soon(here.device.hold_closing.set)  # not before it waits for it
                await here.pool.offload(lease)
                events.call_soon(here.lake.hold.set)
                await here.pool.reload(lease)

            cancelled = 0
            async for _ in for_each_await(there_and_back, times=times):
                cancelled += 1
                assert here.device.hold_closing is not None
                assert here.lake.hold is not None
                here.device.hold_closing.set()
                here.lake.hold.set()
                await here.settled(*KEYS)
                assert sessions_on(here, LAKE) == ["player"]
                await here.pool.reload(lease)
                assert lease.engine is here.lake.engines[-1]
            assert cancelled >= 2
        check_nothing_is_held(here)

    run(main)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("comes_back", [False, True])
def test_a_switch_between_device_engines_is_cancelled_anywhere(times: int, *, comes_back: bool) -> None:
    async def main() -> None:
        here = Rig()

        async def switch() -> None:
            async with AsyncExitStack() as stack:
                async with here.lease(LAKE) as old:
                    await here.pool.offload(old)
                    async with AsyncExitStack() as trial:
                        new = await trial.enter_async_context(here.lease(HILL))
                        assert new.engine is here.hill.engines[-1]
                        if not comes_back:
                            stack.push_async_exit(trial.pop_all())
                    if comes_back:
                        await here.pool.reload(old)
                        assert old.engine is here.lake.engines[-1]
                await asyncio.sleep(0)

        async for _ in for_each_await(switch, times=times):
            check_nothing_is_held(here)
            states = await here.settled(*KEYS)
            assert not any(isinstance(state, EngineOffloaded | EngineUnloading) for state in states)
        async with here.lease(HILL, "next"):
            assert not here.device.has(LAKE.model_id)

    run(main)


def test_the_end_of_the_server_takes_every_engine() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE), here.lease(POND, "walker"):
            pass
        assert set(here.pool.take_all()) == {here.lake.engines[0], here.pond.engines[0]}
        assert here.pool.loaded_models() == frozenset()
        assert here.pool.take_all() == ()

    run(main)


def test_what_is_kept_for_later_gives_way_to_an_engine_only_where_memory_is_short() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE):
            assert not here.asked_for_memory
        here.device.take("other programs", ram=here.device.ram)
        async with here.lease(POND):
            assert len(here.asked_for_memory) == 1

    run(main)
