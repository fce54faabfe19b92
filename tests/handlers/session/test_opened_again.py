"""Worlds that are opened again in an engine of which a part has failed meanwhile: each with the weights it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from error_types import DomainError, ErrorCode
from handlers.session.world import ActiveWorld, Seed, open_same_world, open_world
from services.world_engine.diorama.engine import DioramaEngine, stroll
from services.world_engine.world_engine import NO_CONTROL
from services.world_files.world_file import ModelFacts
from state.app_state_types import EngineKey
from tests.fakes.fake_depth import BrokenDepth, FakeDepth
from tests.services.diorama.parkland import parkland, true_depth

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

KEY = EngineKey("terrarium/stroll", "none")
SEED = Seed("0" * 64, b"")


def another() -> Picture:
    return np.ascontiguousarray(parkland()[:, ::-1])


def again(engine: DioramaEngine, picture: Picture, model: ModelFacts) -> ActiveWorld:
    return open_same_world(KEY, engine, SEED, picture, 1, model=model, refusal="It would differ.")


@pytest.fixture(name="engine")
def fixture_engine() -> DioramaEngine:
    """Its depth network tells the depth of one picture, and fails at the second one."""
    deep = stroll(BrokenDepth(true_depth(), answers=1), "deep")
    return DioramaEngine(deep, spare=stroll(FakeDepth(), "spare"))


def test_a_world_from_before_the_fault_and_one_from_after_it_come_back(engine: DioramaEngine) -> None:
    before = open_world(KEY, engine, SEED, parkland(), 1)
    after = open_world(KEY, engine, SEED, another(), 1)
    assert before.spec.weights_hash != after.spec.weights_hash
    for active in (before, after):
        model = ModelFacts.of(active.spec, KEY.quant)
        assert again(engine, active.picture, model).spec == active.spec
        active.world.step(NO_CONTROL)
        place = active.world.snapshot()
        restored = active.restored(engine, place, active.picture)
        assert restored.spec == active.spec
        assert np.array_equal(restored.world.step(NO_CONTROL), active.world.step(NO_CONTROL))


def test_a_world_that_would_come_out_otherwise_is_refused(engine: DioramaEngine) -> None:
    model = ModelFacts.of(engine.spec, KEY.quant)
    open_world(KEY, engine, SEED, parkland(), 1)
    for picture, made_by in ((another(), model), (parkland(), model.model_copy(update={"weights_hash": "0" * 64}))):
        with pytest.raises(DomainError, match="It would differ") as refused:
            again(engine, picture, made_by)
        assert refused.value.code is ErrorCode.WORLD_OTHER_MODEL


def test_a_model_of_another_size_is_refused_before_a_world_is_opened(engine: DioramaEngine) -> None:
    model = ModelFacts.of(replace(engine.spec, width=64), KEY.quant)
    with pytest.raises(DomainError, match="It would differ"):
        again(engine, np.zeros((36, 64, 3), dtype=np.uint8), model)
