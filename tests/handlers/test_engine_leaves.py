"""Engines that give way: who may have them unloaded, who waits, and who gets them back."""

from __future__ import annotations

import asyncio
from threading import RLock
from typing import TYPE_CHECKING, Any

import pytest

from error_types import DomainError, ErrorCode
from handlers.engine_leaves import EngineLeaves
from handlers.engines_handler import EnginesHandler
from services.metrics.prometheus_metrics import PrometheusMetrics
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from services.world_engine.catalogue import WorldEngineCatalogue
from state.app_state_types import AppState, EngineAside, EngineFailed, EngineKey, EngineReady, EngineUnloaded
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry

POND, LAKE, HILL = (EngineKey(f"fake/{name}", "none") for name in ("pond", "lake", "hill"))
WAIT_S = deadline_s()


class Engines:
    """A pond on the CPU, and two engines that want the device; the lake has room for one world."""

    def __init__(self) -> None:
        self.pond = FakeModel(POND.model_id)
        self.lake = FakeModel(
            LAKE.model_id, placement="device", make_engine=lambda name: FakeWorldEngine(name, max_worlds=1)
        )
        self.hill = FakeModel(HILL.model_id, placement="device")
        self.asked_for_room: list[str] = []
        state, lock = AppState(), RLock()
        self.handler = EnginesHandler(
            state,
            lock,
            catalogue=WorldEngineCatalogue([self.lake.entry, self.pond.entry, self.hill.entry]),
            task_runner=ThreadingTaskRunner(lambda _name, _error: None),
            clock=FakeClock(),
            metrics=PrometheusMetrics(),
            make_room=self._make_room,
        )
        self.leaves = EngineLeaves(state, lock, self.handler)

    async def acquire(self, key: EngineKey, session: str) -> Any:
        return await asyncio.wait_for(self.handler.acquire(key, session, lambda _: None), WAIT_S)

    def _make_room(self, entry: CatalogueEntry) -> None:
        self.asked_for_room.append(entry.model_id)


async def nothing() -> None:
    """There are no worlds to close."""


def test_whoever_had_it_gets_it_back_before_those_who_wait() -> None:
    async def main() -> None:
        here = Engines()
        engine = await here.acquire(LAKE, "player")
        await here.leaves.set_aside(LAKE, "player", nothing)
        assert engine.is_closed
        assert here.handler.loaded_models() == frozenset()
        waiting = asyncio.create_task(here.acquire(LAKE, "newcomer"))
        await asyncio.sleep(0)
        assert await here.acquire(LAKE, "player") is here.lake.engines[1]
        with pytest.raises(DomainError, match=r"holds 1 session\(s\)"):
            await waiting
        assert here.asked_for_room == [LAKE.model_id] * 2

    asyncio.run(main())


def test_whoever_waits_gets_it_when_the_player_leaves() -> None:
    async def main() -> None:
        here = Engines()
        await here.acquire(LAKE, "player")
        await here.leaves.set_aside(LAKE, "player", nothing)
        waiting = asyncio.create_task(here.acquire(LAKE, "newcomer"))
        await asyncio.sleep(0)
        here.handler.release_all("somebody else")
        assert isinstance(here.handler.of(LAKE), EngineAside)
        here.handler.release_all("player")
        assert await waiting is here.lake.engines[1]

    asyncio.run(main())


def test_a_player_who_leaves_while_it_is_loaded_again_has_it_no_longer() -> None:
    async def main() -> None:
        here = Engines()
        await here.acquire(LAKE, "player")
        await here.leaves.set_aside(LAKE, "player", nothing)
        here.lake.fail = "The device is full."
        with pytest.raises(DomainError, match="full"):
            await here.acquire(LAKE, "player")
        assert isinstance(here.handler.of(LAKE), EngineFailed)
        here.lake.fail = None
        await here.acquire(LAKE, "player")
        here.handler.release_all("player")
        assert here.handler.of(LAKE) == EngineReady(here.lake.engines[-1], frozenset())

    asyncio.run(main())


@pytest.mark.parametrize(("key", "others"), [(POND, ()), (HILL, ("another",))])
def test_an_engine_stays_that_others_play_on_or_that_does_not_have_the_device(
    key: EngineKey, others: tuple[str, ...]
) -> None:
    async def main() -> None:
        here = Engines()
        for session in ("player", *others):
            await here.acquire(key, session)
        with pytest.raises(DomainError) as caught:
            await here.leaves.set_aside(key, "player", nothing)
        assert caught.value.code is ErrorCode.AUTHORING_LOAD_FAILED
        assert key.model_id in here.handler.loaded_models()

    asyncio.run(main())


def test_an_idle_engine_is_kept_away_and_whoever_wants_the_device_waits() -> None:
    async def main() -> None:
        here = Engines()
        await here.acquire(LAKE, "player")
        with pytest.raises(DomainError, match="in use by now"):
            async with here.leaves.idle_aside():
                pass
        here.handler.release_all("player")
        async with here.leaves.idle_aside():
            assert here.lake.engines[0].is_closed
            await here.acquire(POND, "walker")
            waiting = [asyncio.create_task(here.acquire(key, str(key))) for key in (LAKE, HILL)]
            await asyncio.sleep(0)
            assert len(here.lake.engines) + len(here.hill.engines) == 1
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(one, FakeWorldEngine) for one in done) == 1, "the device holds one of them"
        assert [one.code for one in done if isinstance(one, DomainError)] == [ErrorCode.MODEL_BUSY]

    asyncio.run(main())


def test_the_place_of_a_default_engine_is_kept_before_it_was_ever_loaded() -> None:
    async def main() -> None:
        here = Engines()
        async with here.leaves.idle_aside():
            assert isinstance(here.handler.of(LAKE), EngineAside)
        assert here.handler.of(LAKE) == EngineUnloaded()
        await here.acquire(LAKE, "player")

    asyncio.run(main())
