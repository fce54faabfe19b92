"""The simulator as others' agents see it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from simulator.config import WorldConfig
from simulator.player import Action
from training.gym_env import ENV_ID, LARGEST_LOOK, SimulatorEnv, action_of, box_of, register

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = WorldConfig(height=64, width=112)
WALK = box_of(Action(forward=1.0))
STAND = box_of(Action())


@pytest.fixture
def env() -> Iterator[SimulatorEnv]:
    with SimulatorEnv(SMALL, max_frames=20) as made:
        assert isinstance(made, SimulatorEnv)
        yield made


def test_gymnasium_finds_nothing_to_complain_about() -> None:
    register()
    with gymnasium.make(ENV_ID, config=SMALL, render_mode="rgb_array") as made:
        check_env(made.unwrapped)


def test_a_seed_decides_an_episode(env: SimulatorEnv) -> None:
    def episode(seed: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        first, _ = env.reset(seed=seed)
        return [first, *(env.step(WALK)[0] for _ in range(3))]

    one, again, other = episode(5), episode(5), episode(6)
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert not (one[0] == other[0]).all()


def test_a_reset_without_a_seed_leads_to_another_world(env: SimulatorEnv) -> None:
    _, first = env.reset(seed=5)
    _, second = env.reset()
    assert first["world"] != second["world"]


def test_options_choose_the_world_and_the_place(env: SimulatorEnv) -> None:
    _, info = env.reset(seed=1, options={"biome": "desert", "daylight": "dusk", "world": 12, "near": (60.0, -40.0)})
    assert (info["world"], info["biome"], info["daylight"]) == (12, "desert", "dusk")
    x, _, z = info["position"]
    assert math.hypot(x - 60.0, z + 40.0) < 40.0


def test_options_leave_later_episodes_as_they_were(env: SimulatorEnv) -> None:
    env.reset(seed=1)
    _, plain = env.reset()
    env.reset(seed=1, options={"biome": "desert", "world": 3})
    _, after_options = env.reset()
    assert plain["world"] == after_options["world"]


@pytest.mark.parametrize("name", ["weather", "biome"])
def test_an_option_that_does_not_exist_is_refused(env: SimulatorEnv, name: str) -> None:
    with pytest.raises(ValueError, match=r"weather|moon"):
        env.reset(seed=1, options={name: "moon"})


def test_a_walk_moves_and_a_turn_turns(env: SimulatorEnv) -> None:
    _, start = env.reset(seed=3, options={"world": 4})
    walked = [env.step(WALK)[4] for _ in range(10)][-1]
    assert math.dist(walked["position"], start["position"]) > 0.4
    turned = env.step(box_of(Action(yaw=0.1)))[4]
    assert math.remainder(float(turned["yaw"] - walked["yaw"]), 2.0 * math.pi) == pytest.approx(0.1, abs=1e-6)


def test_depth_belongs_to_the_picture(env: SimulatorEnv) -> None:
    observation, info = env.reset(seed=3)
    assert info["depth"].shape == observation.shape[:2]
    assert np.isfinite(info["depth"][-4:]).all()


def test_an_episode_is_truncated_and_never_terminates(env: SimulatorEnv) -> None:
    env.reset(seed=3)
    ends = [env.step(STAND)[1:4] for _ in range(20)]
    assert ends == [(0.0, False, False)] * 19 + [(0.0, False, True)]


def test_a_step_before_the_first_reset_says_what_to_do(env: SimulatorEnv) -> None:
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step(STAND)


def test_actions_survive_the_box() -> None:
    action = Action(forward=1.0, strafe=-1.0, run=True, jump=False, crouch=True, yaw=0.125, pitch=-0.0625)
    assert action_of(box_of(action)) == action
    assert action_of(box_of(Action(yaw=9.0))).yaw == LARGEST_LOOK
    assert action_of(np.full(7, np.nan, dtype=np.float32)).yaw == 0.0


def test_odd_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        SimulatorEnv(SMALL, max_frames=0)
    with pytest.raises(ValueError, match="render mode"):
        SimulatorEnv(SMALL, render_mode="human")
