"""How one walks with the shipped weights, in a picture whose distances they guess and in one of which they are sure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import MOSS_DIR, SHIPPED_SEEDS_DIR
from world_model.certainty import SURE_BELOW, CertainSeer
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.motion_step import WalkerIntent
from world_model.runtime import load_runtime
from world_model.scene_source import SceneSource
from world_model.walker import Walker

if TYPE_CHECKING:
    from world_model.pose import Pose

STAND = WalkerIntent()


def walker_in(seed: str) -> Walker:
    runtime = load_runtime(MOSS_DIR)
    config = runtime.config
    with Image.open(SHIPPED_SEEDS_DIR / seed) as image:
        picture = np.array(image.convert("RGB").resize((config.width, config.height), Image.Resampling.BOX))
    keeper = KeyframeKeeper(config, CertainSeer(config, SceneSource(runtime)), LayerRenderer(config))
    return Walker(runtime, keeper, picture)


@pytest.fixture(name="walker")
def fixture_walker() -> Walker:
    walker = walker_in("library_hall.jpg")
    assert walker.state.keyframes.current.layers.doubt >= SURE_BELOW
    return walker


def walked(walker: Walker, *intents: WalkerIntent) -> Pose:
    for intent in intents:
        walker.step(intent)
    return walker.state.motion.pose


def test_a_walk_ahead_and_back_stays_on_the_ground_and_returns(walker: Walker) -> None:
    away = walked(walker, *[WalkerIntent(forward=1.0)] * 45)
    assert away.z == pytest.approx(3.9, abs=0.1)
    back = walked(walker, *[WalkerIntent(forward=-1.0)] * 45, *[STAND] * 10)
    assert math.hypot(back.x, back.z) < 0.1
    assert (away.x, away.y, back.y) == (0.0, 0.0, 0.0)


def test_where_distances_are_known_a_walk_ahead_and_back_returns_too() -> None:
    walker = walker_in("summer_grove.jpg")
    assert walker.state.keyframes.current.layers.doubt < SURE_BELOW
    away = walked(walker, *[WalkerIntent(forward=1.0)] * 45)
    assert away.z == pytest.approx(3.9, abs=0.1)
    back = walked(walker, *[WalkerIntent(forward=-1.0)] * 45, *[STAND] * 10)
    assert math.hypot(back.x, back.z) < 0.1
    assert abs(back.y) < 0.2


def test_steps_aside_are_as_quick_as_steps_ahead(walker: Walker) -> None:
    assert walked(walker, *[WalkerIntent(strafe=-1.0)] * 30).x == pytest.approx(-2.4, abs=0.1)


def test_the_quickest_turn_moves_nobody(walker: Walker) -> None:
    turned = walked(walker, *[WalkerIntent(turn=0.15)] * 15, *[STAND] * 3, *[WalkerIntent(turn=-0.15)] * 15)
    assert (turned.x, turned.y, turned.z) == (0.0, 0.0, 0.0)


def test_a_jump_is_as_high_as_the_simulators_and_ends_on_the_ground(walker: Walker) -> None:
    heights: list[float] = []
    for n in range(30):
        walker.step(WalkerIntent(jump=n < 2))
        heights.append(walker.state.motion.eye_above)
    assert max(heights) == pytest.approx(0.8, abs=0.1)
    assert heights[-1] == walker.state.motion.pose.y == 0.0


def test_whoever_keeps_jumping_ahead_stays_on_the_ground(walker: Walker) -> None:
    landed = walked(walker, *[WalkerIntent(forward=1.0, jump=True)] * 90)
    assert landed.y == 0.0


def test_a_jump_is_seen(walker: Walker) -> None:
    standing = walker.step(STAND).astype(np.int16)
    jumping = [walker.step(WalkerIntent(jump=n == 0)) for n in range(30)]
    assert np.abs(jumping[11] - standing).mean() > 3.0
    np.testing.assert_array_equal(jumping[-1], standing)


def test_a_crouch_is_as_slow_as_the_simulators_and_ends_upright(walker: Walker) -> None:
    walked(walker, *[WalkerIntent(crouch=True)] * 20)
    assert walker.state.motion.eye_above == pytest.approx(-0.35, abs=0.01)
    down = walked(walker, *[WalkerIntent(forward=1.0, strafe=1.0, run=True, crouch=True)] * 60)
    assert math.hypot(down.x, down.z) == pytest.approx(2.42, abs=0.05)
    assert down.y == 0.0
    walked(walker, *[STAND] * 25)
    assert walker.state.motion.eye_above == 0.0


def test_a_crouch_is_seen(walker: Walker) -> None:
    standing = walker.step(STAND).astype(np.int16)
    down = [walker.step(WalkerIntent(crouch=True)) for _ in range(20)]
    assert np.abs(down[-1] - standing).mean() > 3.0
    up = [walker.step(STAND) for _ in range(25)]
    np.testing.assert_array_equal(up[-1], standing)
