"""The motion network: what it knows before it has learnt anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulator.player import Action, PlayerState, moved
from world_model.config import MICRO
from world_model.motion import Motion, beyond_error, level_step
from world_model.motion_step import FLIGHT, MotionState
from world_model.pose import Pose


def level(x: float, z: float, dx: float, dz: float, feet: float) -> tuple[float, float, float]:
    """A walk where nothing is in the way."""
    return x + dx, z + dz, feet


def intent_of(action: Action) -> torch.Tensor:
    keys = (action.forward, action.strafe, float(action.run), float(action.jump), float(action.crouch))
    return torch.tensor([keys], dtype=torch.float32)


@pytest.mark.parametrize("seed", range(4))
def test_on_level_ground_it_walks_as_the_player_of_the_simulator(seed: int) -> None:
    rng, state, last = np.random.default_rng(seed), PlayerState(0.0, 0.0, 0.0), torch.zeros(1, 3)
    for _ in range(20):
        keys = [float(key) for key in rng.integers(-1, 2, 2)]
        action = Action(*keys, run=bool(rng.random() < 0.3), crouch=bool(rng.random() < 0.3))
        for _ in range(int(rng.integers(1, 12))):  # too few for a full speed, whose rounding tells if one speeds up
            after = moved(state, action, level)
            step = torch.tensor([[after.x - state.x, 0.0, after.z - state.z]], dtype=torch.float32)
            # The player's speed snaps to what is wished once it is near.
            torch.testing.assert_close(level_step(last, intent_of(action)), step, atol=1e-4, rtol=0.0)
            state, last = after, step


def test_a_jump_is_the_simulators_in_every_frame() -> None:
    state = PlayerState(0.0, 0.0, 0.0)
    for left in reversed(range(FLIGHT)):
        state = moved(state, Action(jump=left == FLIGHT - 1), lambda x, z, dx, dz, _: (x + dx, z + dz, 0.0))
        assert MotionState(Pose(), airborne_frames=left).eye_above == pytest.approx(state.feet, abs=1e-6)
    assert state.in_air == 0.0


def test_before_it_has_learnt_anything_the_ground_is_level() -> None:
    motion, past = Motion(MICRO), torch.tensor([[0.01, 0.0, 0.05, 0.0, 0.0, 0.04]])
    disparity = torch.rand((1, 1, MICRO.height, MICRO.width))
    step = motion(disparity, past, intent_of(Action(forward=1.0)), torch.zeros(1), torch.zeros(1))
    torch.testing.assert_close(step, level_step(past[:, :3], intent_of(Action(forward=1.0))))


def test_a_change_within_the_error_is_none_and_a_wall_stops_as_it_was_told() -> None:
    small = beyond_error(torch.tensor([[0.004, -0.002, -0.004]]))
    torch.testing.assert_close(small, torch.zeros(1, 3))
    wall = beyond_error(torch.tensor([[0.02, 0.03, -0.09]]))
    torch.testing.assert_close(wall, torch.tensor([[0.02, 0.027, -0.09]]))
