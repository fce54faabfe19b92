"""What reaches into a picture from its lower edge: it is there at the start, and is no part of the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import SHIPPED_SEEDS_DIR
from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama._near_things import find_near_things
from services.world_engine.diorama.constants import HEIGHT, WIDTH
from services.world_engine.diorama.engine import DioramaEngine, DioramaWorld
from tests.services.diorama import keys
from tests.services.diorama.controls import hold, press, turn
from tests.services.diorama.pictures import awkward, landscape, page, psnr

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

ENGINE = DioramaEngine()
BLUE = (30, 40, 160)
WHITE = (255, 255, 255)


def cup() -> Picture:
    """A blue cup with its handle before the landscape; it reaches beyond the lower edge."""
    picture = landscape()
    cv2.ellipse(picture, (800, 600), (60, 50), 0, 0, 360, BLUE, 18, cv2.LINE_AA)
    body = np.array([(500, 500), (780, 500), (740, HEIGHT), (540, HEIGHT)], dtype=np.int32)
    return np.asarray(cv2.fillPoly(picture, [body], BLUE, cv2.LINE_AA), dtype=np.uint8)


def lettering() -> Picture:
    place, font = (200, 660), cv2.FONT_HERSHEY_SIMPLEX
    return np.asarray(
        cv2.putText(landscape(), "A LONG SUMMER", place, font, 3.0, WHITE, 14, cv2.LINE_AA), dtype=np.uint8
    )


def entered(picture: Picture) -> DioramaWorld:
    return ENGINE.open_world(picture, rng_seed=0)


def blue(frame: Picture) -> int:
    """How many pixels are as blue as the cup; the sky is lighter."""
    below = frame[HEIGHT // 2 + 40 :].astype(np.int64)
    return int((below[..., 2] > below[..., 0] + 60).sum())


def white(frame: Picture) -> int:
    return int((frame[HEIGHT // 2 + 40 :].min(axis=2) > 235).sum())


def test_the_shipped_pictures_have_nothing_near() -> None:
    for path in sorted(SHIPPED_SEEDS_DIR.glob("*.jpg")):
        with Image.open(path) as image:
            fitting = np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT)))
        assert not find_near_things(fitting, find_horizon(fitting)).any(), path.name


@pytest.mark.parametrize("name", ["landscape", *awkward()])
def test_where_there_is_nothing_nothing_is_found(name: str) -> None:
    picture = {"landscape": landscape(), **awkward()}[name]
    assert not find_near_things(picture, find_horizon(picture)).any()


def test_a_whole_page_can_be_walked_over() -> None:
    assert hold(entered(page()), press(keys.W), 20).shape == (4, HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("picture", [cup(), lettering()], ids=["cup", "lettering"])
def test_the_world_begins_with_the_whole_picture(picture: Picture) -> None:
    assert psnr(entered(picture).step(press())[0], picture) > 38.0


@pytest.mark.parametrize("key", [keys.W, keys.S, keys.D])
def test_a_cup_dissolves_within_the_first_steps_and_leaves_no_ghost(key: int) -> None:
    world = entered(cup())
    before = blue(world.step(press())[3])
    hold(world, press(key), 10)  # some 1.1 metres
    for _ in range(4):
        assert blue(hold(world, press(key), 4)[3]) < 0.02 * before


@pytest.mark.parametrize("key", [keys.W, keys.A])
def test_lettering_dissolves_within_the_first_steps_and_leaves_no_ghost(key: int) -> None:
    world = entered(lettering())
    before = white(world.step(press())[3])
    hold(world, press(key), 10)
    for _ in range(4):
        assert white(hold(world, press(key), 4)[3]) < 0.02 * before


def test_a_turn_leaves_a_cup_behind_and_the_way_back_shows_it_again() -> None:
    world = entered(cup())
    before = blue(world.step(press())[3])
    assert blue(turn(world, 0.35, passes=6)[3]) < 0.02 * before
    assert blue(turn(world, -0.35, passes=6)[3]) > 0.95 * before


def test_a_restored_world_shows_what_the_other_one_does() -> None:
    one, other = entered(cup()), entered(cup())
    hold(one, press(keys.W), 4)
    other.restore(one.snapshot())
    assert np.array_equal(one.step(press(keys.W)), other.step(press(keys.W)))
