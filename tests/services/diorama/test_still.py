"""The engine for close-ups: the player leans towards the picture, and never loses it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_engine.diorama.engine import LEAN, DioramaEngine, DioramaWorld
from services.world_engine.diorama.entry import Still
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.world_engine import SnapshotMismatchError
from tests.services.diorama import keys
from tests.services.diorama.controls import ADVENTURE, hold, press, turn
from tests.services.diorama.pictures import awkward, landscape, psnr

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

ENGINE = DioramaEngine(LEAN)


def spot() -> Picture:
    """A red disc before a grey wall, which is darker towards its ends."""
    y, x = np.mgrid[0:720, 0:1280]
    picture = np.repeat((200 - np.abs(x - 640) / 8)[..., None], 3, axis=2)
    picture[np.hypot(x - 640, y - 360) < 150] = (220, 40, 40)
    return picture.astype(np.uint8)


def world_of(picture: Picture) -> DioramaWorld:
    return ENGINE.open_world(picture, rng_seed=0)


def redness(frame: Picture) -> int:
    """How many pixels show the disc."""
    return int(((frame[..., 0] > 180) & (frame[..., 1] < 90)).sum())


def test_it_begins_with_the_picture() -> None:
    for name, seed in {"landscape": landscape(), **awkward()}.items():
        assert psnr(world_of(seed).step(press())[0], seed) > 45.0, name


def test_walking_comes_nearer_and_ends_before_the_picture() -> None:
    world = world_of(spot())
    before = redness(world.step(press())[0])
    half = redness(hold(world, press(keys.W), 20)[3])
    near = redness(hold(world, press(keys.W), 80)[3])
    assert before < half < near < 4 * before
    assert redness(hold(world, press(keys.W), 60)[3]) < 1.02 * near, "the picture is walked through"


def test_stepping_back_answers_at_once_however_long_one_walked() -> None:
    world = world_of(spot())
    near = redness(hold(world, press(keys.W, keys.SHIFT), 200)[3])
    assert redness(hold(world, press(keys.S), 12)[3]) < 0.97 * near


@pytest.mark.parametrize("angle", [math.pi, -math.pi])
def test_nobody_turns_their_back_on_the_picture(angle: float) -> None:
    world = world_of(spot())
    turn(world, 2 * angle)
    assert redness(world.step(press())[0]) > 1000
    back = turn(world, -angle / 4)
    assert redness(back[3]) > 10_000


def test_looking_up_and_down_keeps_it_in_view() -> None:
    world = world_of(spot())
    for dy in (-60.0, 60.0):
        assert redness(hold(world, press(dy=dy), 40)[3]) > 1000


def test_it_goes_on_exactly_from_a_snapshot() -> None:
    world, other = world_of(landscape()), world_of(landscape())
    for control in ADVENTURE:
        world.step(control)
    other.restore(world.snapshot())
    for control in ADVENTURE:
        np.testing.assert_array_equal(other.step(control), world.step(control))


def test_a_snapshot_of_the_diorama_is_refused() -> None:
    walk = DioramaEngine().open_world(landscape(), rng_seed=0)
    with pytest.raises(SnapshotMismatchError, match="terrarium/still"):
        world_of(landscape()).restore(walk.snapshot())


def test_the_entry_loads_it() -> None:
    engine = Still.load("none", lambda _: None)
    assert engine.spec.model_id == Still.card.model_id
    with pytest.raises(ModelLoadError, match="The still"):
        Still.load("int8", lambda _: None)
