"""Engines that nobody plays on: loaded ahead, measured, unloaded when the owner says so or after a while."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from error_types import DomainError, ErrorCode
from services.engine_measurements.engine_measurements import EngineMeasurement
from services.memory_planner.engine_fit import DoesNotFit, Fits
from state.app_state_types import EngineFailed, EngineKey, EngineReady, EngineUnloaded
from tests.fakes.fake_device import GIB
from tests.handlers.engines.rig import HILL, LAKE, POND, Rig, run


async def loaded(here: Rig, key: EngineKey, *, anyway: bool = False) -> None:
    await here.pool.keeping.load(key, here.pool.entry(key.model_id), anyway=anyway)
    await here.settled(key)


def unload(here: Rig, key: EngineKey) -> None:
    here.pool.keeping.unload(key, here.pool.entry(key.model_id))


# --------------------------------------------------------------------------------------------------- ahead of play


def test_an_engine_is_loaded_before_anybody_plays_and_stays() -> None:
    async def main() -> None:
        here = Rig()
        await loaded(here, LAKE)
        assert isinstance(here.pool.of(LAKE), EngineReady)
        async with here.lease(LAKE):
            assert here.device.history == ["+fake/lake"], "the player finds it loaded"

    run(main)


def test_whoever_comes_while_it_is_loaded_ahead_gets_its_one_world() -> None:
    async def main() -> None:
        here = Rig(max_worlds=1)
        here.lake.hold = threading.Event()
        await here.pool.keeping.load(LAKE, here.pool.entry(LAKE.model_id), anyway=False)
        async with asyncio.timeout(20):
            waiting = asyncio.create_task(_play(here))
            await asyncio.sleep(0)
            here.lake.hold.set()
            await waiting

    run(main)


async def _play(here: Rig) -> None:
    async with here.lease(LAKE) as lease:
        assert lease.engine is here.lake.engines[0]


def test_an_idle_engine_makes_room_and_one_in_play_does_not() -> None:
    async def main() -> None:
        here = Rig()
        await loaded(here, LAKE)
        await loaded(here, HILL)
        assert here.device.history == ["+fake/lake", "-fake/lake", "+fake/hill"]
        async with here.lease(HILL):
            with pytest.raises(DomainError) as refused:
                await loaded(here, LAKE)
            assert refused.value.code is ErrorCode.MODEL_BUSY

    run(main)


def test_loading_twice_is_loading_once() -> None:
    async def main() -> None:
        here = Rig()
        await asyncio.gather(loaded(here, POND), loaded(here, POND))
        assert here.pond.loaded_quants == ["none"]

    run(main)


# ------------------------------------------------------------------------------------------------------- unloading


def test_the_owner_unloads_an_idle_engine_and_none_in_play() -> None:
    async def main() -> None:
        here = Rig()
        unload(here, LAKE)
        assert here.pool.of(LAKE) == EngineUnloaded(), "nothing was there"
        async with here.lease(LAKE):
            with pytest.raises(DomainError) as refused:
                unload(here, LAKE)
            assert refused.value.code is ErrorCode.MODEL_IN_USE
        unload(here, LAKE)
        assert await here.settled(LAKE) == [EngineUnloaded()]
        assert here.lake.engines[0].is_closed

    run(main)


def test_an_engine_that_is_being_loaded_is_not_unloaded() -> None:
    async def main() -> None:
        here = Rig()
        here.pond.hold = threading.Event()
        await here.pool.keeping.load(POND, here.pool.entry(POND.model_id), anyway=False)
        with pytest.raises(DomainError) as refused:
            unload(here, POND)
        assert refused.value.code is ErrorCode.MODEL_BUSY
        here.pond.hold.set()
        await here.settled(POND)

    run(main)


def test_what_was_idle_for_long_enough_is_unloaded() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(POND):
            here.clock.advance(100)
        assert here.pool.keeping.unload_idle() is None, "without the setting it stays"
        here.idle_s = 60
        assert here.pool.keeping.unload_idle() == 60, "the time in play does not count"
        here.clock.advance(59)
        async with here.lease(LAKE):
            here.clock.advance(1)
            assert here.pool.keeping.unload_idle() is None, "the lake is played on"
            assert await here.settled(POND) == [EngineUnloaded()]
        assert here.pool.keeping.unload_idle() == 60

    run(main)


def test_a_shorter_time_applies_at_once() -> None:
    async def main() -> None:
        here = Rig()
        watching = asyncio.create_task(here.pool.keeping.watch_idle())
        await loaded(here, POND)
        here.clock.advance(30)
        here.idle_s = 20
        here.changes.announce()
        await here.until(lambda: here.pool.of(POND) == EngineUnloaded())
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    run(main)


# ------------------------------------------------------------------------------------- estimates and measurements


def test_after_a_load_the_estimate_is_what_it_took() -> None:
    async def main() -> None:
        here = Rig()
        here.hill = here.device.engine("fake/hill", vram=9, stated_vram=12)
        entry = here.hill.entry
        assert here.needs.needs(entry, "none").vram == 12 * GIB
        with here.meter.measuring(HILL):
            entry.load("none", lambda _: None)
        estimate = here.needs.needs(entry, "none")
        assert estimate.is_measured
        assert abs(estimate.vram - 9 * GIB) <= 0.15 * 9 * GIB

    run(main)


def test_the_pool_measures_what_it_loads() -> None:
    async def main() -> None:
        here = Rig()
        await loaded(here, LAKE)
        assert here.needs.measured(LAKE) == EngineMeasurement(ram=0, vram=12 * GIB)

    run(main)


def test_loads_that_run_side_by_side_are_not_told_apart() -> None:
    here = Rig()
    with here.meter.measuring(POND), here.meter.measuring(LAKE):
        pass
    assert here.needs.measured(POND) == here.needs.measured(LAKE) == EngineMeasurement()
    with here.meter.measuring(POND):
        here.meter.disturbed()
    assert here.needs.measured(POND) == EngineMeasurement()


def test_a_load_that_fails_has_measured_nothing() -> None:
    here = Rig()
    with suppress(ZeroDivisionError), here.meter.measuring(POND):
        raise ZeroDivisionError
    assert here.needs.measured(POND) == EngineMeasurement()
    with here.meter.measuring(POND):
        here.device.take("pond", ram=GIB)
    assert here.needs.measured(POND).ram == GIB
    with here.meter.measuring(POND):
        pass
    assert here.needs.measured(POND).ram == GIB, "a second load finds the libraries there already"


def test_the_fit_counts_on_what_gives_way_and_not_on_what_is_played() -> None:
    async def main() -> None:
        here = Rig()
        await loaded(here, LAKE)
        hill = here.pool.entry(HILL.model_id)
        assert here.ledger.fit(hill, "none") == Fits(), "the lake is idle"
        assert here.ledger.fit(here.pool.entry(LAKE.model_id), "none") == Fits(), "it is loaded"
        async with here.lease(LAKE):
            fit = here.ledger.fit(hill, "none")
        assert isinstance(fit, DoesNotFit)
        assert fit.reason.endswith("Fake fake/lake stays loaded, as somebody plays on it.")

    run(main)


def test_a_model_for_scenes_that_is_idle_gives_way() -> None:
    async def main() -> None:
        here = Rig()
        async with here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
            assert isinstance(here.ledger.fit(here.pool.entry(LAKE.model_id), "none"), DoesNotFit)
        assert here.ledger.fit(here.pool.entry(LAKE.model_id), "none") == Fits()

    run(main)


def test_what_certainly_cannot_fit_is_refused_before_it_is_tried() -> None:
    async def main() -> None:
        here = Rig(vram=8)
        with pytest.raises(DomainError, match=r"It needs 12\.0 GiB of GPU memory\. The graphics card has 8\.0 GiB"):
            async with here.lease(LAKE):
                pass
        assert here.lake.loaded_quants == []
        await loaded(here, LAKE, anyway=True)
        assert here.lake.loaded_quants == ["none"], "the owner may try it all the same"
        assert isinstance(here.pool.of(LAKE), EngineFailed), "and here it fails for real"

    run(main)


# ------------------------------------------------------------------------------------------- leases that give way


def test_a_player_waits_for_a_lease_that_gives_way() -> None:
    """On the same engine with one world, and on another engine that needs the device."""

    async def main(key: EngineKey) -> None:
        here = Rig(max_worlds=1)
        async with here.pool.lease(LAKE, "benchmark", gives_way=True):
            assert not here.pool.is_wanted(LAKE)
            playing = asyncio.create_task(_hold(here, key))
            await here.until(lambda: here.pool.is_wanted(LAKE))
            assert not playing.done()
        await playing

    for key in (LAKE, HILL):
        run(lambda key=key: main(key))


async def _hold(here: Rig, key: EngineKey) -> None:
    async with here.lease(key):
        pass


def test_a_scene_wants_the_device_and_a_player_on_the_cpu_does_not() -> None:
    async def main() -> None:
        here = Rig()
        async with here.pool.lease(LAKE, "benchmark", gives_way=True):
            async with here.lease(POND):
                assert not here.pool.is_wanted(LAKE)
                assert here.pool.is_wanted(POND)
            async with here.residency.reserve(None, None):
                assert here.pool.is_wanted(LAKE)

    run(main)
