"""Engines that wait in host memory while others have the device: who goes there, comes back, and gives way."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

import pytest

from error_types import DomainError, ErrorCode
from handlers.films.film_room import FilmRoom
from services.video_pipeline.film_order import FilmOrder, FromWords
from services.world_engine.world_engine import EngineFaultError, EngineOutOfMemoryError
from state.app_state_types import (
    EngineFailed,
    EngineLoading,
    EngineOffloaded,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineUnloaded,
    leases_of,
)
from tests.fakes.fake_device import GIB, FakeEngineOnDevice
from tests.handlers.engines.rig import DUNE, HILL, LAKE, Rig, run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from state.app_state_types import EngineKey
    from tests.fakes.fake_catalogue import FakeModel


ORDER = FilmOrder(FromWords(), "A film.", 1, 128, 64, 17, 24.0)


async def played(here: Rig, *keys: EngineKey) -> None:
    """Each is leased and given back."""
    for key in keys:
        async with here.lease(key):
            here.clock.advance(1)
        await here.settled(*keys)


def only(model: FakeModel) -> FakeEngineOnDevice:
    """The engine of the only load."""
    (engine,) = model.engines
    return cast("FakeEngineOnDevice", engine)


def history(here: Rig) -> str:
    return " ".join(here.device.history).replace("fake/", "")


def film_room(here: Rig) -> FilmRoom:
    pool = here.pool
    return FilmRoom(
        here.films, here.ledger, device=pool.device, parked=pool.parked, changes=here.changes, threads=here.threads
    )


# ------------------------------------------------------------------------------------------------- there and back


def test_an_engine_makes_room_by_going_to_host_memory_and_comes_back_without_a_load() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        assert here.pool.of(LAKE) == EngineParked(here.clock.monotonic() - 1, 12 * GIB)
        assert here.pool.parked_models() == {LAKE.model_id}
        async with here.lease(LAKE) as lease:
            assert lease.engine is only(here.lake)
            assert isinstance(here.pool.of(HILL), EngineParked)
        assert here.lake.loaded_quants == ["none"]
        assert history(here) == "+lake <lake +hill <hill >lake"

    run(main)


def test_an_engine_that_cannot_is_unloaded() -> None:
    async def main() -> None:
        here = Rig(can_park=False)
        await played(here, LAKE, HILL)
        assert here.pool.of(LAKE) == EngineUnloaded()
        assert history(here) == "+lake -lake +hill"

    run(main)


def test_a_session_that_changes_its_model_finds_the_old_one_ready() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        async with here.lease(LAKE) as old:
            await here.pool.offload(old, following=HILL)
            parked = here.pool.of(LAKE)
            assert isinstance(parked, EngineParked)
            assert [lease.session for lease in leases_of(parked)] == ["player"]
            async with here.lease(HILL) as new:
                await here.pool.offload(new, following=LAKE)
                await here.pool.reload(old)
                assert old.engine is only(here.lake)
        assert history(here) == "+lake <lake +hill <hill >lake"

    run(main)


def test_the_device_is_kept_for_a_session_whose_engine_waits_in_host_memory() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        async with here.lease(LAKE) as lease:
            await here.pool.offload(lease)
            with pytest.raises(DomainError) as refused:
                async with here.lease(HILL, "another"):
                    pass
            assert refused.value.code is ErrorCode.MODEL_BUSY
            with pytest.raises(DomainError) as in_use:
                here.pool.keeping.unload(LAKE, here.lake.entry)
            assert in_use.value.code is ErrorCode.MODEL_IN_USE
        assert here.pool.of(LAKE) == EngineParked(here.clock.monotonic(), 12 * GIB), "it was the lease that kept it"
        await played(here, HILL)

    run(main)


def test_whoever_wants_an_engine_that_is_leaving_waits_until_it_has() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE)
        engine = only(here.lake)
        engine.hold_parking = threading.Event()
        loading = asyncio.create_task(here.pool.keeping.load(HILL, here.hill.entry, anyway=False))
        await here.until(lambda: isinstance(here.pool.of(LAKE), EngineParking))
        with pytest.raises(DomainError) as busy:
            here.pool.keeping.unload(LAKE, here.lake.entry)
        assert busy.value.code is ErrorCode.MODEL_BUSY
        playing = asyncio.create_task(played(here, LAKE))
        await asyncio.sleep(0)
        engine.hold_parking.set()
        await asyncio.gather(loading, playing)
        assert here.lake.loaded_quants == ["none"]

    run(main)


# ------------------------------------------------------------------------------------------------- room and limits


@pytest.mark.parametrize(
    ("ram", "limit", "is_parked"),
    [
        (15, None, True),
        (13, None, False),
        (64, 0, False),
        (64, 11 * GIB, False),
        (64, 12 * GIB, True),
    ],
)
def test_it_goes_by_the_room_in_host_memory_and_by_the_settings(ram: float, limit: int | None, is_parked: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        here = Rig(can_park=True, ram=ram, parked_bytes=limit)
        await played(here, LAKE, HILL)
        expected = EngineParked if is_parked else EngineUnloaded
        assert isinstance(here.pool.of(LAKE), expected)
        assert only(here.lake).is_closed is not is_parked

    run(main)


def test_the_one_that_was_played_longest_ago_gives_way() -> None:
    async def main() -> None:
        here = Rig(can_park=True, parked_bytes=24 * GIB)
        await played(here, LAKE, HILL, DUNE)
        assert {here.pool.of(key).__class__ for key in (LAKE, HILL)} == {EngineParked}
        await played(here, LAKE)
        assert {here.pool.of(key).__class__ for key in (HILL, DUNE)} == {EngineParked}
        here.parked_bytes = 12 * GIB
        await played(here, HILL)
        assert here.pool.of(DUNE) == EngineUnloaded(), "the hill comes back, so it does not give way"
        assert isinstance(here.pool.of(LAKE), EngineParked)

    run(main)


def test_a_lower_limit_applies_at_once() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        watching = asyncio.create_task(here.pool.keeping.watch_idle())
        here.parked_bytes = 0
        await asyncio.sleep(0)
        here.changes.announce()
        await here.until(lambda: here.pool.of(LAKE) == EngineUnloaded())
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    run(main)


def test_a_load_that_needs_the_memory_takes_it() -> None:
    async def main() -> None:
        here = Rig(can_park=True, ram=32, dune_ram=20)
        await played(here, LAKE, HILL)
        assert isinstance(here.pool.of(LAKE), EngineParked)
        await played(here, DUNE)
        assert [here.pool.of(key) for key in (LAKE, HILL)] == [EngineUnloaded()] * 2
        assert isinstance(here.pool.of(DUNE), EngineReady)
        assert not here.asked_for_memory, "worlds that wait for their players stay: nobody waits for those engines"

    run(main)


def test_an_engine_that_comes_back_asks_nobody_for_the_memory_that_it_has() -> None:
    async def main() -> None:
        here = Rig(can_park=True, ram=60, dune_ram=20)
        await played(here, DUNE, HILL)
        here.device.take("other programs", ram=25 * GIB)
        await played(here, DUNE)
        assert history(here) == "+dune <dune +hill +other programs -hill >dune"
        assert not here.asked_for_memory

    run(main)


def test_a_scene_that_needs_the_memory_takes_it() -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=16, ram=28)
        await played(here, LAKE, HILL)
        await here.residency.refresh()
        assert isinstance(here.pool.of(LAKE), EngineParked)
        async with asyncio.timeout(20), here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
            assert here.painter.placements == ["offloaded"]
        assert [here.pool.of(key) for key in (LAKE, HILL)] == [EngineUnloaded()] * 2

    run(main)


def test_a_scene_that_has_room_leaves_it() -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=40)
        await played(here, LAKE, HILL)
        async with asyncio.timeout(20), here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
        assert isinstance(here.pool.of(LAKE), EngineParked)

    run(main)


def test_an_engine_that_was_offloaded_for_a_scene_gives_its_memory_if_the_scene_needs_it() -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=16, ram=28)
        async with here.lease(LAKE) as lease:

            @asynccontextmanager
            async def step_aside() -> AsyncGenerator[None]:
                await here.pool.offload(lease)
                assert isinstance(here.pool.of(LAKE), EngineParked)
                yield
                await here.pool.reload(lease)

            async with asyncio.timeout(20), here.residency.reserve("player", step_aside) as reservation:
                await reservation.admit("editor")
                assert isinstance(here.pool.of(LAKE), EngineOffloaded)
            assert lease.engine is here.lake.engines[1]

    run(main)


@pytest.mark.parametrize(("ram", "is_parked"), [(28, False), (60, True)])
def test_a_film_takes_the_memory_that_it_needs(ram: float, is_parked: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        here = Rig(can_park=True, vram=24, ram=ram)
        room = film_room(here)
        await played(here, LAKE, HILL)
        async with asyncio.timeout(20), room.hold(ORDER, lambda: None):
            here.filmer.load()
            assert here.filmer.placements == ["offloaded"]
        assert isinstance(here.pool.of(LAKE), EngineParked) is is_parked
        assert isinstance(here.pool.of(HILL), EngineReady)

    run(main)


@pytest.mark.parametrize(
    ("ram", "expected"), [(64, "+lake <lake +filmer -filmer >lake"), (13, "+lake -lake +filmer -filmer +lake")]
)
def test_an_idle_engine_makes_room_for_a_film_by_going_to_host_memory_if_that_has_room(
    ram: float, expected: str
) -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=20, ram=ram)
        await played(here, LAKE)
        async with asyncio.timeout(20), film_room(here).hold(ORDER, lambda: None):
            here.filmer.load()
            assert here.filmer.placements == ["resident"]
        async with here.lease(LAKE):
            assert history(here) == expected

    run(main)


def test_a_film_waits_until_the_engine_has_left() -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=20)
        await played(here, LAKE)
        leaving = only(here.lake).hold_parking = threading.Event()
        async with asyncio.timeout(20), film_room(here).hold(ORDER, leaving.set):
            assert leaving.is_set(), "the film had to wait"
            here.filmer.load()
        assert history(here) == "+lake <lake +filmer"

    run(main)


def test_to_ask_why_a_film_would_wait_takes_nothing() -> None:
    async def main() -> None:
        here = Rig(can_park=True, vram=24, ram=28)
        room = film_room(here)
        await played(here, LAKE, HILL)
        assert await room.why_waiting() is None
        assert isinstance(here.pool.of(LAKE), EngineParked)

    run(main)


# ------------------------------------------------------------------------------------------------- unloading


def test_the_owner_unloads_one_that_waits_and_so_does_the_time() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        here.pool.keeping.unload(LAKE, here.lake.entry)
        assert await here.settled(LAKE) == [EngineUnloaded()]
        assert only(here.lake).is_closed
        await played(here, DUNE)
        here.idle_s = 60
        assert here.pool.keeping.unload_idle() == 59, "its time began when it was left, on the device"
        here.clock.advance(59)
        here.pool.keeping.unload_idle()
        assert await here.settled(HILL) == [EngineUnloaded()]
        assert isinstance(here.pool.of(DUNE), EngineReady)

    run(main)


def test_one_that_waits_is_loaded_ahead_of_play() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        await here.pool.keeping.load(LAKE, here.lake.entry, anyway=False)
        await here.settled(LAKE, HILL)
        assert isinstance(here.pool.of(LAKE), EngineReady)
        assert history(here).endswith("<hill >lake")

    run(main)


def test_the_end_of_the_server_takes_all() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        assert set(here.pool.take_all()) == {only(here.lake), only(here.hill)}
        assert here.state.engines == {}

    run(main)


# ------------------------------------------------------------------------------------------------- what goes wrong


def test_one_whose_process_ends_while_it_waits_is_unloaded_and_nobody_is_told() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        only(here.lake).end()
        await here.until(lambda: here.pool.of(LAKE) == EngineUnloaded())
        assert only(here.lake).is_closed
        async with here.lease(LAKE) as lease:
            assert lease.engine is here.lake.engines[1]

    run(main)


def test_one_whose_process_ends_on_the_way_is_not_taken_for_ready() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE)
        only(here.lake).has_ended = True  # before anybody has asked to be told
        await played(here, HILL)
        await here.until(lambda: here.pool.of(LAKE) == EngineUnloaded())
        assert only(here.lake).is_closed

    run(main)


def test_no_room_on_the_way_back_is_told_to_the_session_and_the_next_one_loads_it() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        only(here.lake).fail_to_resume = EngineOutOfMemoryError("There is none.")
        with pytest.raises(DomainError, match="ready in memory, and the graphics card has no room") as told:
            async with here.lease(LAKE):
                pass
        assert told.value.code is ErrorCode.MODEL_LOAD_FAILED
        assert isinstance(here.pool.of(LAKE), EngineFailed)
        assert only(here.lake).is_closed
        assert not here.device.has(LAKE.model_id)
        async with here.lease(LAKE) as lease:
            assert lease.engine is here.lake.engines[1]

    run(main)


def test_one_that_fails_otherwise_on_the_way_back_is_loaded_and_the_session_plays() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        only(here.lake).fail_to_resume = EngineFaultError("It lost its way.")
        async with here.lease(LAKE) as lease:
            assert lease.engine is here.lake.engines[1]
        assert here.lake.engines[0].is_closed

    run(main)


@pytest.mark.parametrize("error", [EngineFaultError("It cannot."), RuntimeError("can't allocate memory")])
def test_one_that_cannot_leave_is_unloaded_and_the_next_is_loaded(error: Exception) -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE)
        only(here.lake).fail_to_park = error
        await played(here, HILL)
        assert [here.pool.of(LAKE)] == [EngineUnloaded()]
        assert only(here.lake).is_closed
        assert isinstance(here.pool.of(HILL), EngineReady)

    run(main)


def test_what_nobody_expects_on_the_way_back_leaves_nothing_behind() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        here.pool.keeping.unload(HILL, here.hill.entry)
        await here.settled(HILL)
        here.device.fail = OSError("The driver is gone.")
        with pytest.raises(DomainError, match="unexpected error"):
            async with here.lease(LAKE):
                pass
        assert only(here.lake).is_closed

    run(main)


def test_a_session_that_leaves_during_the_way_back_leaves_the_engine_ready() -> None:
    async def main() -> None:
        here = Rig(can_park=True)
        await played(here, LAKE, HILL)
        engine = only(here.lake)
        engine.hold_resuming = threading.Event()
        playing = asyncio.create_task(played(here, LAKE))
        await here.until(lambda: isinstance(here.pool.of(LAKE), EngineLoading))
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        engine.hold_resuming.set()
        (state,) = await here.settled(LAKE)
        assert isinstance(state, EngineReady)
        assert state.leases == ()

    run(main)
