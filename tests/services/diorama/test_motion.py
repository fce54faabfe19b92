"""The player's motion: inertia, speeds, the spread of mouse pixels, the soft limit of pitch."""

from __future__ import annotations

import itertools
import math

import pytest

from services.world_engine.diorama.motion import PITCH_LIMIT, RUN_SPEED, WALK_SPEED, Player, advance, look_steps
from services.world_engine.player_keys import intent_of
from services.world_engine.world_engine import NO_CONTROL
from tests.services.diorama import keys
from tests.services.diorama.controls import press

STILL = intent_of(NO_CONTROL)


def walk(player: Player, frames: int, *buttons: int) -> Player:
    intent = intent_of(press(*buttons))
    for _ in range(frames):
        player = advance(player, intent, 0.0, 0.0)
    return player


def test_walking_speeds_up_and_glides_to_rest() -> None:
    slow = walk(Player(), 2, keys.W)
    assert 0.0 < slow.speed < WALK_SPEED / 2
    fast = walk(slow, 120, keys.W)
    assert fast.speed == pytest.approx(WALK_SPEED)
    gliding = walk(fast, 5)
    assert 0.0 < gliding.speed < WALK_SPEED
    rest = walk(gliding, 240)
    assert rest.speed == 0.0
    assert walk(rest, 10) == rest


def test_diagonals_are_no_faster() -> None:
    assert walk(Player(), 200, keys.W, keys.D).speed == pytest.approx(WALK_SPEED)
    assert walk(Player(), 200, keys.W, keys.SHIFT).speed == pytest.approx(RUN_SPEED)


def test_opposite_keys_cancel() -> None:
    assert walk(Player(), 30, keys.W, keys.S, keys.A, keys.D, keys.LEFT, keys.RIGHT) == Player()


def test_walking_follows_the_view() -> None:
    east = walk(Player(yaw=math.pi / 2), 120, keys.W)
    assert east.x > 1.0
    assert abs(east.z) < 1e-6


def test_a_hop_rises_and_lands() -> None:
    heights: list[float] = []
    player = walk(Player(), 1, keys.SPACE)
    while player.lift > 0.0:
        heights.append(player.lift)
        player = advance(player, STILL, 0.0, 0.0)
    assert 0.3 < max(heights) < 0.8
    assert len(heights) < 60


def test_pitch_is_limited_softly() -> None:
    player, angles = Player(), [0.0]
    for _ in range(60):
        player = advance(player, STILL, 0.0, -20.0)
        angles.append(player.pitch)
    steps = [after - before for before, after in itertools.pairwise(angles)]
    assert all(step >= 0.0 for step in steps)
    assert steps[0] > 5 * steps[30]
    assert angles[-1] < PITCH_LIMIT


def test_mouse_pixels_are_neither_lost_nor_added() -> None:
    assert sum(look_steps(100.0, 0.0)) + sum(look_steps(0.0, 100.0)) == pytest.approx(100.0)
    assert look_steps(100.0, 100.0) == pytest.approx((25.0,) * 4)
