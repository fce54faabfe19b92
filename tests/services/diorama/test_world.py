"""The diorama as a world engine: determinism, snapshots, closing, worlds side by side."""

from __future__ import annotations

import math
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_engine.world_engine import SnapshotMismatchError, WorldClosedError
from tests.services.diorama import keys
from tests.services.diorama.controls import ADVENTURE, hold, press
from tests.services.diorama.pictures import flat, landscape, noise

if TYPE_CHECKING:
    from services.world_engine.diorama.engine import DioramaEngine, DioramaWorld
    from services.world_engine.world_engine import Frames, Picture


def play(engine: DioramaEngine, seed: Picture) -> list[Frames]:
    world = engine.open_world(seed, rng_seed=7)
    return [world.step(control) for control in ADVENTURE]


def test_spec_describes_the_frames(world: DioramaWorld, engine: DioramaEngine) -> None:
    spec = engine.spec
    frames = world.step(press())
    assert frames.shape == (spec.frames_per_pass, spec.height, spec.width, 3)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    assert (spec.model_id, spec.fps, spec.max_worlds) == ("terrarium/diorama", 60, None)
    assert int(spec.weights_hash, 16) > 0


def test_same_seed_and_controls_give_the_same_frames(engine: DioramaEngine) -> None:
    for one, other in zip(play(engine, landscape()), play(engine, landscape()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_unknown_buttons_do_nothing(engine: DioramaEngine) -> None:
    one, other = (engine.open_world(landscape(), rng_seed=0) for _ in range(2))
    np.testing.assert_array_equal(one.step(press(keys.W)), other.step(press(keys.W, 0x70, 0x01, -5)))


def test_returned_frames_stay_as_they_are(world: DioramaWorld) -> None:
    first = world.step(press(keys.W))
    kept = first.copy()
    hold(world, press(keys.W, dx=20.0), 5)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.trial
def test_restore_replays_bit_for_bit(engine: DioramaEngine) -> None:
    world = engine.open_world(landscape(), rng_seed=0)
    for control in ADVENTURE[:10]:  # into the middle of a hop and of a dissolve
        world.step(control)
    snapshot = world.snapshot()
    expected = [world.step(control) for control in ADVENTURE]
    world.restore(snapshot)
    again = [world.step(control) for control in ADVENTURE]
    other = engine.open_world(landscape(), rng_seed=0)
    other.restore(snapshot)
    elsewhere = [other.step(control) for control in ADVENTURE]
    np.testing.assert_array_equal(expected, again)
    np.testing.assert_array_equal(expected, elsewhere)


def test_snapshot_of_a_restored_world_is_the_same(world: DioramaWorld) -> None:
    hold(world, press(keys.W, keys.D, dx=11.0), 9)
    snapshot = world.snapshot()
    hold(world, press(keys.S), 9)
    world.restore(snapshot)
    assert world.snapshot() == snapshot
    assert len(snapshot.state) < 1000


def test_foreign_snapshots_are_refused(world: DioramaWorld) -> None:
    snapshot = world.snapshot()
    for wrong in (replace(snapshot, model_id="other/model"), replace(snapshot, weights_hash="00")):
        with pytest.raises(SnapshotMismatchError):
            world.restore(wrong)


def test_damaged_snapshots_are_refused_and_change_nothing(world: DioramaWorld) -> None:
    hold(world, press(keys.W), 4)
    snapshot = world.snapshot()
    not_finite = bytes(snapshot.state)[:-8] + struct.pack("<d", math.nan)
    other_version = b"\xff" + bytes(snapshot.state)[1:]
    for state in (b"", snapshot.state[:-1], bytes(snapshot.state) + b"\0", not_finite, other_version):
        with pytest.raises(SnapshotMismatchError):
            world.restore(replace(snapshot, state=state))
    assert world.snapshot() == snapshot


def test_implausible_snapshots_are_refused(world: DioramaWorld) -> None:
    snapshot = world.snapshot()
    numbers = (len(snapshot.state) - 2) // 8
    for value in (1e300, -1e300, 5e8, -3.0):
        state = bytes(snapshot.state)[:2] + struct.pack(f"<{numbers}d", *[value] * numbers)
        with pytest.raises(SnapshotMismatchError):
            world.restore(replace(snapshot, state=state))


def test_places_far_away_can_be_restored_and_drawn(world: DioramaWorld) -> None:
    hold(world, press(keys.W, keys.SHIFT), 120)
    snapshot = world.snapshot()
    expected = world.step(press(keys.W))
    world.restore(snapshot)
    np.testing.assert_array_equal(world.step(press(keys.W)), expected)


def test_closed_world_refuses_everything_but_closing(world: DioramaWorld) -> None:
    snapshot = world.snapshot()
    world.close()
    world.close()
    with pytest.raises(WorldClosedError):
        world.step(press())
    with pytest.raises(WorldClosedError):
        world.snapshot()
    with pytest.raises(WorldClosedError):
        world.restore(snapshot)
    with pytest.raises(WorldClosedError):
        world.continue_from(landscape())


def test_continue_from_swaps_the_picture_and_keeps_the_place(world: DioramaWorld) -> None:
    hold(world, press(keys.W, dx=12.0), 6)
    place = world.snapshot()
    world.continue_from(flat(200))
    assert world.snapshot() == place
    assert np.ptp(world.step(press())) <= 1


def test_wrong_pictures_are_refused(engine: DioramaEngine) -> None:
    wrong = (landscape()[:-1], landscape().astype(np.float32))
    for picture in wrong:
        with pytest.raises(ValueError, match="720x1280x3"):
            engine.open_world(picture, rng_seed=0)  # pyright: ignore[reportArgumentType] - a wrong type is the point


def test_the_seed_may_be_changed_after_opening(engine: DioramaEngine) -> None:
    seed = landscape()
    world = engine.open_world(seed, rng_seed=0)
    before = world.step(press())
    seed[:] = 0
    np.testing.assert_array_equal(world.step(press()), before)


@pytest.mark.trial
def test_worlds_side_by_side_equal_worlds_alone(engine: DioramaEngine) -> None:
    seeds = [landscape(), noise(), flat(90)]
    alone = [play(engine, seed) for seed in seeds]
    with ThreadPoolExecutor(max_workers=3) as executor:
        together = list(executor.map(play, [engine] * 3, seeds))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
