"""What the diorama shows: the seed at first, stillness, parallax, a full turn, no borders."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.frame_encoder.frame_sizes import scaled
from tests.services.diorama import keys
from tests.services.diorama.controls import hold, press, turn
from tests.services.diorama.pictures import awkward, flat, landscape, psnr

if TYPE_CHECKING:
    from services.world_engine.diorama.engine import DioramaEngine, DioramaWorld
    from services.world_engine.world_engine import Picture


def change(one: Picture, other: Picture, rows: slice) -> float:
    return float(np.abs(one[rows].astype(int) - other[rows]).mean())


def test_first_frame_is_the_seed(engine: DioramaEngine) -> None:
    for name, seed in {"landscape": landscape(), **awkward()}.items():
        assert psnr(engine.open_world(seed, rng_seed=0).step(press())[0], seed) > 50.0, name


def test_standing_still_is_still(world: DioramaWorld) -> None:
    first = world.step(press())
    for frame in (*first, *hold(world, press(), 20)):
        np.testing.assert_array_equal(frame, first[0])


def test_a_walk_glides_to_rest(world: DioramaWorld) -> None:
    hold(world, press(keys.W, keys.SHIFT, dx=30.0, dy=5.0), 25)
    hold(world, press(keys.SPACE), 1)
    rest = hold(world, press(), 60)
    np.testing.assert_array_equal(world.step(press()), rest)
    np.testing.assert_array_equal(rest[0], rest[3])


@pytest.mark.parametrize("key", [keys.W, keys.S, keys.A, keys.D])
def test_walking_moves_the_ground_more_than_the_sky(world: DioramaWorld, key: int) -> None:
    before = world.step(press())[0]
    after = hold(world, press(key), 10)[3]
    sky, ground = change(before, after, slice(0, 250)), change(before, after, slice(480, 720))
    assert ground > 5.0
    assert ground > 5.0 * sky


@pytest.mark.parametrize(("key", "other"), [(keys.W, keys.UP), (keys.S, keys.DOWN)])
def test_arrows_walk_like_letters(engine: DioramaEngine, key: int, other: int) -> None:
    one, two = (engine.open_world(landscape(), rng_seed=0) for _ in range(2))
    np.testing.assert_array_equal(hold(one, press(key), 3), hold(two, press(other), 3))


def test_walking_never_runs_out_of_ground(world: DioramaWorld) -> None:
    hold(world, press(keys.W, keys.SHIFT), 120)
    one = world.step(press(keys.W, keys.SHIFT))[0]
    other = hold(world, press(keys.W, keys.SHIFT), 4)[3]
    assert one[480:].std() > 15.0
    assert change(one, other, slice(480, 720)) > 5.0


def test_a_full_turn_comes_back(world: DioramaWorld) -> None:
    before = world.step(press())[3]
    assert psnr(turn(world, math.pi / 2)[3], before) < 25.0
    turn(world, math.pi)
    after = turn(world, math.pi / 2)[3]
    assert psnr(after, before) > 35.0


def test_arrow_keys_turn(world: DioramaWorld) -> None:
    before = world.step(press())[3]
    right = hold(world, press(keys.RIGHT), 8)[3]
    assert psnr(right, before) < 25.0
    hold(world, press(), 20)
    hold(world, press(keys.LEFT), 8)
    after = hold(world, press(), 20)[3]
    assert psnr(after, before) > 35.0


def test_a_steady_hand_turns_evenly_across_passes(world: DioramaWorld) -> None:
    """Columns of the far picture move by the same amount from every sub-frame to the next."""
    hold(world, press(dx=8.0), 3)
    rows = [frame[340:372].astype(int) for _ in range(3) for frame in world.step(press(dx=8.0))]
    steps = [np.abs(one - other).mean() for one, other in itertools.pairwise(rows)]
    assert max(steps) < 1.6 * min(steps) + 0.3


def test_hop_lands_where_it_started(world: DioramaWorld) -> None:
    before = world.step(press())[3]
    up = hold(world, press(keys.SPACE), 4)[3]
    assert change(before, up, slice(480, 720)) > 5.0
    np.testing.assert_array_equal(hold(world, press(), 20)[3], before)


def test_crouching_lowers_the_eye_and_standing_up_restores_it(world: DioramaWorld) -> None:
    before = world.step(press())[3]
    down = hold(world, press(keys.CTRL), 10)[3]
    assert change(before, down, slice(480, 720)) > 5.0
    np.testing.assert_array_equal(hold(world, press(), 40)[3], before)


@pytest.mark.parametrize("dy", [-4000.0, 0.0, 4000.0])
def test_no_black_border_in_any_direction(engine: DioramaEngine, dy: float) -> None:
    world = engine.open_world(flat(200), rng_seed=0)
    world.step(press(dy=dy))
    for _ in range(12):
        frames = turn(world, math.pi / 6, passes=2)
        assert frames.min() >= 198
        frames = hold(world, press(keys.W, keys.SHIFT, keys.SPACE), 3)
        assert frames.min() >= 198


def test_neighbouring_views_are_close_all_the_way_round(world: DioramaWorld) -> None:
    """No seam jumps into view anywhere, straight behind the player included."""
    previous = world.step(press())[3]
    for _ in range(90):
        for frame in world.step(press(dx=2 * math.pi / 90 / 0.0022)):
            assert psnr(frame, previous) > 14.0
            previous = frame


def test_awkward_pictures_can_be_walked_through(engine: DioramaEngine) -> None:
    for name, seed in awkward().items():
        world = engine.open_world(seed, rng_seed=0)
        frames = hold(world, press(keys.W, keys.D, keys.SPACE, dx=60.0, dy=20.0), 12)
        assert frames.min() >= seed.min(), name
        assert frames.max() <= seed.max(), name


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_bad_mouse_values_are_harmless(world: DioramaWorld, value: float) -> None:
    world.step(press(dx=value, dy=value))
    frames = hold(world, press(keys.W, dx=value, dy=-value), 3)
    assert frames.min() > 30
    assert len(world.snapshot().state) > 0
    world.restore(world.snapshot())


def test_mouse_nan_is_no_movement(world: DioramaWorld) -> None:
    before = world.step(press())
    np.testing.assert_array_equal(world.step(press(dx=math.nan, dy=math.nan)), before)


@pytest.mark.parametrize("size", [(224, 128), (100, 75), (640, 360)])
def test_a_small_frame_shows_what_the_large_one_shows(world: DioramaWorld, size: tuple[int, int]) -> None:
    width, height = size
    for control in (press(), press(keys.W, dx=12.0, dy=-3.0), press(keys.W, keys.D, dx=-40.0)):
        large = hold(world, control, 8)[-1:]
        small = world.draw(width=width, height=height, only_last=True)
        assert small.shape == (1, height, width, 3)
        assert psnr(scaled(large, width=width, height=height)[0], small[0]) > 30.0


def test_a_frame_can_be_larger_than_the_picture(world: DioramaWorld) -> None:
    large = hold(world, press(keys.W), 4)[-1:]
    larger = world.draw(width=1600, height=900, only_last=True)
    assert psnr(scaled(larger, width=1280, height=720)[0], large[0]) > 30.0
