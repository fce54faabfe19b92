"""Moss as a world engine: frames, controls, pictures, closing, worlds side by side."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_engine.moss.engine import MossEngine
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    EngineFaultError,
    EngineOutOfMemoryError,
    WorldClosedError,
)
from tests.services.moss.play import ADVENTURE, play, press, seed_of
from world_model.runtime import Runtime, load_runtime
from world_model.weights import read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import Frames
    from world_model.runtime import Bytes, Floats


def test_the_spec_describes_the_frames(engine: MossEngine) -> None:
    spec = engine.spec
    frames = engine.open_world(seed_of(engine), rng_seed=1).step(press("W"))
    assert frames.shape == (1, spec.height, spec.width, 3)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    assert (spec.model_id, spec.frames_per_pass, spec.fps) == ("terrarium/moss", 1, 30)
    assert spec.max_worlds is None
    assert len(bytes.fromhex(spec.weights_hash)) == 32


def test_returned_frames_stay_as_they_are(engine: MossEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    first = world.step(press("W"))
    kept = first.copy()
    play(world)
    np.testing.assert_array_equal(first, kept)


def test_the_seed_may_be_changed_after_opening(engine: MossEngine) -> None:
    seed = seed_of(engine)
    world, untouched = engine.open_world(seed, rng_seed=1), engine.open_world(seed.copy(), rng_seed=1)
    seed[:] = 0
    np.testing.assert_array_equal(play(world), play(untouched))


def test_the_frames_depend_on_seed_and_controls(engine: MossEngine) -> None:
    def last(number: int, rng_seed: int, control: ControlPayload) -> bytes:
        return play(engine.open_world(seed_of(engine, number), rng_seed=rng_seed), [control] * 3)[-1].tobytes()

    cases = [(0, 1, NO_CONTROL), (1, 1, NO_CONTROL)]
    cases += [(0, 1, press(key)) for key in ("W", "A", "LEFT", "RIGHT", "SHIFT", "SPACE", "CTRL")]
    cases += [(0, 1, press(dx=9.0)), (0, 1, press(dy=9.0))]
    assert len({last(*case) for case in cases}) == len(cases)
    assert last(0, 1, press("W")) == last(0, 1, press("UP", "Q", "MOUSE_LEFT"))
    assert last(0, 1, NO_CONTROL) == last(0, 1, press("LEFT", "RIGHT"))
    assert last(0, 2**64 + 1, NO_CONTROL) == last(0, 1, NO_CONTROL), "nothing is random"


def test_the_arrows_turn_as_in_the_other_engines(engine: MossEngine) -> None:
    """A full turn of 1.5 rad/s by key, and the same by mouse, lead to the same look."""
    by_key, by_mouse = (engine.open_world(seed_of(engine), rng_seed=1) for _ in range(2))
    np.testing.assert_array_equal(by_key.step(press("RIGHT")), by_mouse.step(press(dx=1.5 / 30 / 0.0022)))


@pytest.mark.parametrize(("mouse", "same_as"), [(math.nan, 0.0), (math.inf, 3000.0), (-1e300, -3000.0)])
def test_invalid_mouse_values_never_reach_the_network(engine: MossEngine, mouse: float, same_as: float) -> None:
    world, sane = (engine.open_world(seed_of(engine), rng_seed=1) for _ in range(2))
    seen = play(world, (press("W", dx=mouse, dy=mouse), press("W")))
    np.testing.assert_array_equal(seen, play(sane, (press("W", dx=same_as, dy=same_as), press("W"))))
    assert world.snapshot() == sane.snapshot()


def test_an_edited_picture_goes_on_from_the_same_place(engine: MossEngine) -> None:
    world, other = (engine.open_world(seed_of(engine), rng_seed=1) for _ in range(2))
    play(world)
    play(other)
    world.continue_from(seed_of(engine, 5))
    assert not np.array_equal(world.step(press("W")), other.step(press("W")))


def test_wrong_pictures_are_refused(engine: MossEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    for picture in (seed_of(engine)[:-1], seed_of(engine).astype(np.float32)):
        with pytest.raises(ValueError, match="picture of"):
            engine.open_world(picture, rng_seed=1)  # pyright: ignore[reportArgumentType] - a wrong type is the point
        with pytest.raises(ValueError, match="picture of"):
            world.continue_from(picture)  # pyright: ignore[reportArgumentType]


def test_a_closed_world_refuses_everything_but_closing(engine: MossEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    moment = world.snapshot()
    world.close()
    world.close()
    calls = (
        world.snapshot,
        lambda: world.step(NO_CONTROL),
        lambda: world.continue_from(seed_of(engine)),
        lambda: world.restore(moment),
    )
    for call in calls:
        with pytest.raises(WorldClosedError):
            call()


def test_worlds_side_by_side_equal_worlds_alone(engine: MossEngine) -> None:
    numbers = range(4)
    alone = [play(engine.open_world(seed_of(engine, number), rng_seed=number)) for number in numbers]
    worlds = [engine.open_world(seed_of(engine, number), rng_seed=number) for number in numbers]
    with ThreadPoolExecutor(len(worlds)) as threads:
        together = list(threads.map(play, worlds))
    np.testing.assert_array_equal(together, alone)


def test_a_world_may_change_threads(engine: MossEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    seen: list[Frames] = []
    for control in ADVENTURE:
        with ThreadPoolExecutor(1) as thread:
            seen.append(thread.submit(world.step, control).result())
    np.testing.assert_array_equal(seen, play(engine.open_world(seed_of(engine), rng_seed=1)))


def test_frames_of_another_size_are_another_model(engine: MossEngine, micro_folder: Path) -> None:
    with closing(MossEngine(load_runtime(micro_folder), "small")) as small:
        assert small.spec.weights_hash != engine.spec.weights_hash
        assert (2 * small.spec.height, 2 * small.spec.width) == (engine.spec.height, engine.spec.width)
        assert play(small.open_world(seed_of(small), rng_seed=1))[-1].shape == (1, 32, 64, 3)


@pytest.mark.parametrize(("cause", "wanted"), [(OSError(), EngineFaultError), (MemoryError(), EngineOutOfMemoryError)])
def test_a_keyframe_that_fails_is_told_where_it_is_needed_and_made_anew(
    micro_folder: Path, cause: Exception, wanted: type[Exception]
) -> None:
    runtime = FailingRuntime(*read_weights(micro_folder))
    with closing(MossEngine(runtime, "small")) as engine:
        world, sane = (engine.open_world(seed_of(engine), rng_seed=1) for _ in range(2))
        wanted_frames = play(sane, [press("W", "RIGHT")] * 40)
        seen: list[Frames] = []
        runtime.failure = cause
        with pytest.raises(wanted) as told:
            seen.extend(map(world.step, [press("W", "RIGHT")] * 40))
        assert type(told.value) is wanted
        runtime.failure = None
        seen += play(world, [press("W", "RIGHT")] * (40 - len(seen)))
        np.testing.assert_array_equal(seen, wanted_frames)


class FailingRuntime(Runtime):
    """Fails to see while it has a `failure`."""

    failure: Exception | None = None

    def see(self, picture: Bytes, slope: float) -> tuple[Bytes, Floats]:
        if self.failure is not None:
            raise self.failure
        return super().see(picture, slope)
