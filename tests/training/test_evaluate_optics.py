"""Whether motion that was put into pictures is read back from them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.config import WorldConfig
from simulator.player import Action
from tests.simulator.walks import Visit, visit
from training.evaluation.measures import correlation, gain
from training.evaluation.optics import Odometer

SIZE = WorldConfig()
FOCAL = 0.5 * SIZE.width / math.tan(0.5 * math.radians(SIZE.fov_deg))


@pytest.fixture(name="odometer", scope="module")
def fixture_odometer() -> Odometer:
    return Odometer(SIZE.height, SIZE.width, FOCAL)


@pytest.fixture(name="place", scope="module")
def fixture_place() -> Visit:
    return visit(4, SIZE)


@pytest.mark.parametrize("turn", [-0.12, -0.03, 0.004, 0.02, 0.1])
def test_a_turn_is_read(odometer: Odometer, place: Visit, turn: float) -> None:
    start = place.state
    before = place.see()
    place.state = replace(start, yaw=start.yaw + turn)
    after = place.see()
    place.state = start
    assert odometer.turn(before, after) == pytest.approx(turn, abs=0.002)


def test_a_frozen_world_neither_turns_nor_advances(odometer: Odometer, place: Visit) -> None:
    picture = place.see()
    assert odometer.turn(picture, picture) == pytest.approx(0.0, abs=1e-6)
    assert odometer.advance(picture, picture) == pytest.approx(0.0, abs=1e-6)


def test_a_shift_of_the_picture_is_a_turn_to_the_other_side(odometer: Odometer) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (32, 56, 1)).astype(np.uint8)
    wide = np.repeat(noise.repeat(4, axis=0).repeat(4, axis=1), 3, axis=2)
    assert odometer.turn(wide, np.roll(wide, -2, axis=1)) == pytest.approx(2 / FOCAL, rel=0.15)


def test_steps_ahead_and_back_are_read_in_proportion(odometer: Odometer, place: Visit) -> None:
    """On the simulator's own pictures: the unit depends on the lie of the land, the proportions do not."""
    start, went, read = place.state, [0.0], [0.0]
    before = place.see()
    for pace in (1.0, 0.0, -1.0, 1.0, 0.0):
        for _ in range(10):
            x, z = place.state.x, place.state.z
            place.act(Action(forward=pace))
            yaw = place.state.yaw
            went.append((place.state.x - x) * math.sin(yaw) + (place.state.z - z) * math.cos(yaw))
            after = place.see()
            read.append(odometer.advance(before, after))
            before = after
    place.state = start
    likeness = correlation(np.array(went), np.array(read))
    slope = gain(np.array(went), np.array(read))
    assert likeness is not None
    assert likeness > 0.9
    assert slope is not None
    assert 0.15 < slope < 2.0


def test_a_torn_part_does_not_mislead_the_reading(odometer: Odometer, place: Visit) -> None:
    """A third of the picture becomes debris that moves the other way, as in a world that comes apart."""
    start = place.state
    before = place.see()
    place.state = replace(start, yaw=start.yaw + 0.03)
    after = place.see().copy()
    place.state = start
    debris = np.random.default_rng(0).integers(0, 255, (SIZE.height, SIZE.width // 3, 3)).astype(np.uint8)
    before = before.copy()
    before[:, : SIZE.width // 3], after[:, : SIZE.width // 3] = debris, np.roll(debris, 9, axis=1)
    assert odometer.turn(before, after) == pytest.approx(0.03, abs=0.004)


@pytest.mark.parametrize("tilt", [-0.06, 0.02])
def test_a_look_up_is_read(odometer: Odometer, place: Visit, tilt: float) -> None:
    start = place.state
    before = place.see()
    place.state = replace(start, pitch=start.pitch + tilt)
    after = place.see()
    place.state = start
    assert odometer.tilt(before, after) == pytest.approx(math.tan(tilt), abs=0.004)
