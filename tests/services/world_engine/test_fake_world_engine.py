"""The fake engine keeps the contract of a world engine, and does what a test tells it to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    SnapshotMismatchError,
    WorldClosedError,
    WorldEngine,
)
from tests.fakes.fake_catalogue import FakeModel, fake_entry
from tests.fakes.fake_world_engine import FakeEngineError, FakeWorldEngine, fake_seed, read_frame
from tests.waiting import deadline_s
from wire_protocol import KEY_CODES

FORWARD = ControlPayload(frozenset({KEY_CODES["W"], KEY_CODES["SCROLL_DOWN"]}), mouse_dx=3.5, mouse_dy=-1.25)
LIMIT_S = deadline_s()


def test_a_frame_says_what_it_was_made_from() -> None:
    engine = FakeWorldEngine()
    world = engine.open_world(fake_seed(10, 20, 30), rng_seed=7)
    world.step(NO_CONTROL)
    frames = world.step(FORWARD)
    assert frames.shape == (2, 32, 48, 3)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    for sub_frame, frame in enumerate(frames):
        content = read_frame(frame)
        assert (content.seed_mean, content.rng_seed) == ((10, 20, 30), 7)
        assert (content.pass_number, content.sub_frame) == (2, sub_frame)
        assert (content.buttons, content.mouse_dx, content.mouse_dy) == (FORWARD.buttons, 3.5, -1.25)
    assert world.controls == [NO_CONTROL, FORWARD]


def test_the_contract_of_a_world() -> None:
    engine: WorldEngine = FakeWorldEngine()
    seed = fake_seed(40, height=engine.spec.height, width=engine.spec.width)
    world, twin = (engine.open_world(seed, rng_seed=1) for _ in range(2))
    first = world.step(FORWARD)
    kept = first.copy()
    moment = world.snapshot()
    second = world.step(NO_CONTROL)
    assert (first == kept).all()
    world.continue_from(fake_seed(90))
    assert not (world.step(NO_CONTROL) == second).all()
    world.restore(moment)
    assert (world.step(NO_CONTROL) == second).all()
    twin.restore(moment)
    assert (twin.step(NO_CONTROL) == second).all()
    for other in (replace(moment, model_id="other/world"), replace(moment, weights_hash="beef")):
        with pytest.raises(SnapshotMismatchError):
            world.restore(other)
    world.close()
    world.close()
    for call in (world.snapshot, lambda: world.step(NO_CONTROL), lambda: world.continue_from(seed)):
        with pytest.raises(WorldClosedError):
            call()
    twin.close()
    engine.close()


def test_open_worlds_are_counted_and_bounded() -> None:
    engine = FakeWorldEngine(max_worlds=2)
    worlds = [engine.open_world(fake_seed(1), rng_seed=0) for _ in range(2)]
    with pytest.raises(RuntimeError, match="fit"):
        engine.open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(AssertionError, match="open"):
        engine.close()
    for open_before, world in zip((2, 1), worlds, strict=True):
        assert engine.open_worlds == open_before
        world.close()
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.open_world(fake_seed(1), rng_seed=0)


def test_a_seed_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        FakeWorldEngine().open_world(fake_seed(1, height=10), rng_seed=0)


def test_failures_on_demand() -> None:
    engine = FakeWorldEngine()
    world = engine.open_world(fake_seed(1), rng_seed=0)
    engine.fail_next(2)
    for _ in range(2):
        with pytest.raises(FakeEngineError):
            world.step(NO_CONTROL)
    assert read_frame(world.step(NO_CONTROL)[0]).pass_number == 1
    engine.fail_at(2)
    with pytest.raises(FakeEngineError):
        world.step(NO_CONTROL)
    engine.fail_at(None)
    assert read_frame(world.step(NO_CONTROL)[0]).pass_number == 2


def test_steps_can_be_held() -> None:
    engine = FakeWorldEngine(step_s=0.001)
    world, other = (engine.open_world(fake_seed(1), rng_seed=0) for _ in range(2))
    engine.hold()
    with ThreadPoolExecutor(2) as pool:
        frames = pool.submit(world.step, NO_CONTROL)
        engine.wait_until_held()
        assert not frames.done()
        with pytest.raises(AssertionError, match="Two threads"):
            world.step(NO_CONTROL)
        engine.release()
        assert len(frames.result(LIMIT_S)) == 2
    assert len(other.step(NO_CONTROL)) == 2


def test_loads_can_be_held_and_fail() -> None:
    gate = threading.Event()
    model = FakeModel(hold=gate, quants=("none", "fp8w8a8"), placement="device")
    steps: list[LoadStep] = []
    with ThreadPoolExecutor(1) as pool:
        engine = pool.submit(model.entry.load, "fp8w8a8", steps.append)
        assert model.entered.wait(LIMIT_S)
        assert steps == [LoadStep.READING]
        gate.set()
        assert engine.result(LIMIT_S) is model.engines[0]
    assert steps == list(LoadStep)
    model.fail = "The disk is full."
    with pytest.raises(ModelLoadError, match="disk"):
        model.entry.load("none", steps.append)
    model.fail, model.crash = None, KeyError("a bug")
    with pytest.raises(KeyError):
        model.entry.load("none", steps.append)
    assert model.loaded_quants == ["fp8w8a8", "none", "none"]


def test_an_entry_alone() -> None:
    entry = fake_entry("fake/other", make_engine=lambda model_id: FakeWorldEngine(model_id, fps=30))
    catalogue = WorldEngineCatalogue([entry, fake_entry()])
    assert catalogue.default is entry
    assert entry.load("none", lambda _: None).spec.fps == 30
    assert entry.load("none", lambda _: None).spec.model_id == "fake/other"
