"""Models beside the engine: reservations in turn, one owner of a model at a time, and reports that cost nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from error_types import DomainError, ErrorCode
from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
)
from services.memory_planner.memory_plan import InsteadOfEngine, NoRoom, Resident
from services.prompt_writer.prompt_writer import WriterMissing
from state.app_state_types import EngineReady, NotReserved, Reserved
from state.model_states import ModelIdle, ModelInUse, ModelsKnown, ModelVacating
from tests.cancelling import for_each_await
from tests.fakes.fake_device import GIB
from tests.handlers.engines.rig import HILL, LAKE, WAIT_S, Rig, run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handlers.engines.lease import EngineLease

AWAY_AND_BACK = ["+fake/lake", "-fake/lake", "+painter", "-painter", "+fake/lake"]


def looks(here: Rig) -> int:
    known = here.ledger.known()
    return known.look if isinstance(known, ModelsKnown) else 0


@asynccontextmanager
async def stepping_aside(here: Rig, lease: EngineLease) -> AsyncGenerator[None]:
    """What a session does that has no world open."""
    await here.pool.offload(lease)
    try:
        yield
    finally:
        await here.pool.reload(lease)


# ------------------------------------------------------------------------------------------------------------ reports


def test_before_the_first_look_everything_is_missing() -> None:
    async def main() -> None:
        here = Rig()
        report = here.residency.report()
        assert report.writer == WriterMissing("The server is starting.")
        assert isinstance(report.classifier, ClassifierMissing)
        await here.residency.refresh()
        assert isinstance(here.residency.report().plans.editor, Resident)

    run(main)


def test_a_report_follows_loads_and_players_without_reading_anything() -> None:
    async def main() -> None:
        here = Rig(max_worlds=None)
        async with here.lease(LAKE, "player"):
            seen = looks(here)
            assert isinstance(here.residency.report().plans.editor, InsteadOfEngine)
            assert isinstance(here.residency.report_for(None).plans.editor, NoRoom)
            async with here.lease(LAKE, "other"):
                assert isinstance(here.residency.report().plans.editor, NoRoom)
                assert isinstance(here.residency.report_for("player").plans.editor, NoRoom)
            assert isinstance(here.residency.report_for("player").plans.editor, InsteadOfEngine)
            assert looks(here) == seen
        here.lake.fail = "The device is full."
        async with here.lease(HILL):
            pass
        with pytest.raises(DomainError):
            async with here.lease(LAKE):
                pass
        assert isinstance(here.residency.report().plans.editor, Resident), "the device is empty again"

    run(main)


def test_an_old_report_has_the_next_one_made() -> None:
    async def main() -> None:
        here = Rig()
        await here.residency.refresh()
        here.device.vram = 4 * GIB
        assert isinstance(here.residency.report().plans.editor, Resident), "nobody has looked again"
        here.clock.advance(60)
        here.residency.report()
        await here.until(lambda: isinstance(here.residency.report().plans.editor, NoRoom))

    run(main)


def test_services_that_fail_leave_the_last_report() -> None:
    async def main() -> None:
        here = Rig()
        await here.residency.refresh()
        before = here.residency.report()
        here.device.fail = OSError("The driver is gone.")
        await here.residency.refresh()
        assert here.residency.report() == before

    run(main)


def test_the_next_report_says_how_a_check_went() -> None:
    here = Rig()
    here.residency.look()
    with here.residency.classifying():
        here.classifier.become(ClassifierFailing("x-1", "It is broken."))
    assert here.residency.report().classifier == ClassifierFailing("x-1", "It is broken.")
    with suppress(ClassificationError), here.residency.classifying():
        here.classifier.become(ClassifierReady("x-1"))
        raise ClassificationError("It is broken.")
    assert here.residency.report().classifier == ClassifierReady("x-1")


# ------------------------------------------------------------------------------------------------------- reservations


def test_the_planner_is_asked_once_for_a_scene_with_models_that_are_there() -> None:
    async def main() -> None:
        here = Rig(vram=40, local_writer=True)
        for first in (True, False):
            before = looks(here)
            async with here.residency.reserve(None, None) as reservation:
                await reservation.admit("writer")
                await reservation.admit("editor")
            assert looks(here) - before == (3 if first else 1), "and again after each model that was loaded"

    run(main)


def test_reservations_come_in_turn_and_one_that_is_given_up_lets_the_next_in() -> None:
    async def main() -> None:
        here = Rig(vram=40)
        order: list[int] = []

        async def scene(number: int) -> None:
            async with here.residency.reserve(None, None):
                order.append(number)
                await asyncio.sleep(0)

        async with here.residency.reserve(None, None):
            scenes = [asyncio.create_task(scene(number)) for number in range(4)]
            await asyncio.sleep(0)
            assert isinstance(here.state.reservation, Reserved)
            assert len(here.state.reservation.waiting) == 4
            scenes[1].cancel()
            await asyncio.wait({scenes[1]})
        await asyncio.gather(*scenes, return_exceptions=True)
        assert order == [0, 2, 3]
        assert here.state.reservation == NotReserved()

    run(main)


def test_a_scene_waits_for_a_model_that_makes_room_for_an_engine() -> None:
    """The model must not be unloaded in the middle of its work."""

    async def main() -> None:
        here = Rig(vram=24)  # room for both, whichever is seen first
        async with here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
        here.painter.hold_unloading = threading.Event()

        async def play() -> None:
            async with here.lease(LAKE):
                pass

        playing = asyncio.create_task(play())
        await here.until(lambda: here.state.model_use.get("editor") == ModelVacating())

        async def scene() -> None:
            async with here.residency.reserve(None, None) as reservation:
                assert not here.device.has("painter")
                assert here.state.model_use["editor"] == ModelInUse()
                await reservation.admit("editor")

        painting = asyncio.create_task(scene())
        await here.until(lambda: here.state.reservation != NotReserved())
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert here.state.model_use["editor"] == ModelVacating()
        here.painter.hold_unloading.set()
        await playing
        await painting
        assert here.state.model_use["editor"] == ModelIdle()
        assert here.device.history[:2] == ["+painter", "-painter"]

    run(main)


def test_a_scene_waits_for_an_engine_that_has_taken_a_part_of_its_memory() -> None:
    """Its memory counts twice until it is loaded: as taken, and as kept for it."""

    async def main() -> None:
        here = Rig(vram=24)  # room for both
        here.lake.hold = threading.Event()
        here.device.take("what the lake has so far", vram=12 * GIB, is_noted=False)
        async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
            has_loaded = asyncio.Event()

            async def play() -> None:
                async with here.lease(LAKE):
                    has_loaded.set()

            async def scene() -> None:
                async with here.residency.reserve(None, None) as reservation:
                    assert has_loaded.is_set()
                    await reservation.admit("editor")

            tasks.create_task(play())
            await here.until(here.lake.entered.is_set)
            seen = looks(here)
            tasks.create_task(scene())
            await here.until(lambda: looks(here) > seen)
            here.device.give_back("what the lake has so far")
            here.lake.hold.set()
        assert here.device.history[0] == "+fake/lake"
        assert here.painter.placements == ["offloaded"]

    run(main)


def test_a_model_in_use_is_not_unloaded_for_an_engine() -> None:
    async def main() -> None:
        here = Rig()
        async with here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
            assert here.state.model_use["editor"] == ModelInUse()
            with pytest.raises(DomainError) as failed:
                async with here.lease(LAKE):
                    pass
            assert failed.value.code is ErrorCode.MODEL_LOAD_FAILED
            assert here.device.history == ["+painter"]
        async with here.lease(LAKE):
            assert here.device.history == ["+painter", "-painter", "+fake/lake"]

    run(main)


def test_an_engine_without_leases_goes_and_whoever_wants_the_device_waits() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE):
            pass

        async def play() -> None:
            async with here.lease(HILL):
                pass

        async with here.residency.reserve(None, None) as reservation:
            await reservation.admit("editor")
            playing = asyncio.create_task(play())
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not playing.done()
        await playing
        assert here.device.history == ["+fake/lake", "-fake/lake", "+painter", "-painter", "+fake/hill"]

    run(main)


def test_an_engine_that_is_in_use_by_then_stays() -> None:
    async def main() -> None:
        here = Rig(max_worlds=None)
        async with here.lease(LAKE):
            pass
        async with here.residency.reserve(None, None) as reservation, here.lease(LAKE, "latecomer"):
            with pytest.raises(DomainError, match="in use by fake/lake") as refused:
                await reservation.admit("editor")
        assert refused.value.code is ErrorCode.AUTHORING_LOAD_FAILED
        assert here.pool.of(LAKE) == EngineReady(idle_since=here.clock.monotonic())

    run(main)


def test_the_engine_of_whoever_asks_is_offloaded_and_comes_back() -> None:
    async def main() -> None:
        here = Rig()
        async with here.lease(LAKE) as lease:
            async with here.residency.reserve("player", lambda: stepping_aside(here, lease)) as reservation:
                await reservation.admit("editor")
                report = here.residency.report()
                assert isinstance(report.plans.editor, InsteadOfEngine)
            assert lease.engine is here.lake.engines[1]
            assert here.device.history == AWAY_AND_BACK

    run(main)


# ------------------------------------------------------------------------------------------- cancelled at every await


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("plays", [False, True])
def test_a_cancelled_scene_gives_everything_back(times: int, *, plays: bool) -> None:
    async def main() -> None:
        here = Rig(local_writer=True)

        async def scene(lease: EngineLease) -> None:
            step_aside = (lambda: stepping_aside(here, lease)) if plays else None
            async with here.residency.reserve("player" if plays else None, step_aside) as reservation:
                await reservation.admit("writer")
                await reservation.admit("editor")

        async def whole() -> None:
            async with here.lease(LAKE) as lease:
                if plays:
                    await scene(lease)
            if not plays:
                await scene(lease)

        async for _ in for_each_await(whole, times=times):
            await here.settled(LAKE)
            assert here.state.reservation == NotReserved()
            assert set(here.state.model_use.values()) <= {ModelIdle()}
            assert here.pool.of(LAKE) in (
                EngineReady(max_worlds=1, idle_since=here.clock.monotonic()),
                here.pool.of(HILL),
            )
        async with here.lease(LAKE) as lease:
            assert lease.engine is here.lake.engines[-1]

    run(main)
