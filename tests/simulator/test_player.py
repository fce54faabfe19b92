"""How the player moves, and what stops it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator._houses import HOUSE_CELL, in_house
from simulator.config import FPS
from simulator.player import PITCH_LIMIT, RUN_SPEED, WALK_SPEED, Action, advance
from simulator.walking import BODY, WADING_DEPTH, climb, is_clear
from tests.simulator.walks import SMALL, random_actions, visit

WALK = Action(forward=1.0)


@pytest.mark.parametrize("yaw", [0.0, 0.5 * math.pi, 2.0])
def test_forward_moves_along_the_look(yaw: float) -> None:
    player = visit(4)
    start = player.state = replace(player.state, yaw=yaw)
    player.act(WALK, frames=15)
    dx, dz = player.state.x - start.x, player.state.z - start.z
    assert math.atan2(dx, dz) == pytest.approx(yaw, abs=0.05)
    assert 0.5 < math.hypot(dx, dz) < WALK_SPEED * 15 / FPS


def test_strafing_right_is_square_to_the_look() -> None:
    player = visit(4)
    start = player.state = replace(player.state, yaw=0.0)
    player.act(Action(strafe=1.0), frames=10)
    assert player.state.x > start.x + 0.2
    assert abs(player.state.z - start.z) < 0.05


def test_speeds_and_stances() -> None:
    player = visit(4)
    start = player.state
    for action, speed in ((WALK, WALK_SPEED), (Action(forward=1.0, run=True), RUN_SPEED)):
        player.state = start
        player.act(action, frames=25)
        assert player.state.speed == pytest.approx(speed, rel=0.05)
    player.state = start
    player.act(Action(crouch=True), frames=30)
    assert player.state.eye < start.eye - 0.5
    player.act(Action(), frames=40)
    assert player.state == start


def test_a_jump_leaves_the_ground_and_lands() -> None:
    player = visit(4)
    start = player.state
    player.act(Action(jump=True))
    highest = player.state.feet
    for _ in range(40):
        player.act(Action())
        highest = max(highest, player.state.feet)
    assert 0.6 < highest - start.feet < 1.2
    assert player.state.in_air == 0.0
    assert player.state.feet == start.feet


def test_the_look_is_bounded() -> None:
    player = visit(4)
    player.act(Action(pitch=9.0, yaw=float("nan")), frames=5)
    assert player.state.pitch == PITCH_LIMIT
    assert math.isfinite(player.state.yaw)


@pytest.mark.parametrize("seed", range(6))
def test_a_long_walk_stays_above_ground_and_out_of_houses(seed: int) -> None:
    player = visit(seed, replace(SMALL, biome=("meadow", "alps", "islands", "taiga", "desert", "heath")[seed]))
    for action in random_actions(100 + seed, 2500):
        player.act(action)
        state, ground = player.state, player.around.ground
        assert is_clear(ground, state.x, state.z)
        height = climb(ground, state.x, state.z)
        assert state.feet >= height - 1e-9
        assert height >= -WADING_DEPTH
        assert state.eye > 0.0
        assert all(math.isfinite(value) for value in (state.x, state.z, state.feet, state.vx, state.vz))


def test_a_wall_is_not_walked_through() -> None:
    """Start beside a house and walk against it from many sides."""
    player = visit(1, replace(SMALL, biome="meadow"))
    ground = player.around.ground
    houses = ground.houses.reshape(-1, ground.houses.shape[-1])
    standing = houses[(houses[:, 0] > 0) & (np.hypot(houses[:, 1], houses[:, 2]) < 12 * HOUSE_CELL)]
    assert len(standing) > 0
    tried = 0
    for house in standing[:6]:
        player.around.follow(house[1], house[2])
        for turn in range(8):
            angle = 2.0 * math.pi * turn / 8.0
            x, z = house[1] + 8.5 * math.sin(angle), house[2] + 8.5 * math.cos(angle)
            if not is_clear(ground, x, z):
                continue
            tried += 1
            yaw = math.remainder(angle + math.pi, 2.0 * math.pi)
            state = replace(player.state, x=x, z=z, feet=climb(ground, x, z), yaw=yaw, vx=0.0, vz=0.0)
            for _ in range(90):
                state = advance(player.around, state, Action(forward=1.0, run=True))
                assert not in_house(house, state.x, state.z, BODY - 1e-9)
    assert tried > 10
