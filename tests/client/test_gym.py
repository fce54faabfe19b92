"""Gymnasium's view of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest
import terrarium_client.gym
from gymnasium.utils.env_checker import check_env
from terrarium_client.gym import ENV_ID, TerrariumEnv, TerrariumVectorEnv

from tests.client.rig import ClientRig, client_rig
from tests.fakes.fake_world_engine import read_frame

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FORWARD = {"keys": np.array([1, 0, 0, 0, 0, 0], dtype=np.int8), "mouse": np.zeros(2, dtype=np.float32)}
BOX_FORWARD = np.array([1, -1, -1, -1, -1, -1, 0.5, 0], dtype=np.float32)


@pytest.fixture(name="rig")
def fixture_rig(tmp_path: Path) -> Generator[ClientRig]:
    terrarium_client.gym.register()
    with client_rig(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize("actions", ["dict", "box"])
def test_gymnasiums_own_checker_passes(rig: ClientRig, actions: str) -> None:
    env = gymnasium.make(ENV_ID, url=rig.url, actions=actions, size=(48, 32), max_steps=50)
    check_env(env.unwrapped, skip_close_check=True)
    env.close()


def test_actions_become_keys_and_pixels_of_the_mouse(rig: ClientRig) -> None:
    env = TerrariumEnv(rig.url, actions="box", mouse_pixels=40)
    env.reset(seed=1)
    env.step(BOX_FORWARD)
    env.close()
    control = rig.model.engines[0].worlds[-1].controls[-1]
    assert (control.buttons, control.mouse_dx, control.mouse_dy) == ({ord("W")}, 20.0, 0.0)


def test_the_reward_is_a_function_of_what_was_seen_and_episodes_are_truncated(rig: ClientRig) -> None:
    def reward(before: np.ndarray[Any, Any], action: dict[str, Any], after: np.ndarray[Any, Any]) -> float:
        assert before.shape == after.shape == (32, 48, 3)
        return float(action["keys"].sum())

    env = TerrariumEnv(rig.url, size=(48, 32), reward=reward, max_steps=2)
    env.reset()
    steps = [env.step(FORWARD) for _ in range(2)]
    assert [(reward, terminated, truncated) for _, reward, terminated, truncated, _ in steps] == [
        (1.0, False, False),
        (1.0, False, True),
    ]
    env.close()


def test_reset_leads_to_a_seed_a_moment_and_a_saved_world(rig: ClientRig) -> None:
    env = TerrariumEnv(rig.url, size=(48, 32))
    env.reset(seed=3)
    first = env.step(FORWARD)[0]
    moment = env.take_moment()
    second = env.step(FORWARD)[0]
    env.reset(options={"moment": moment})
    assert (env.step(FORWARD)[0] == second).all()
    env.reset(seed=3)
    assert (env.step(FORWARD)[0] == first).all()
    [session] = rig.server.sessions()
    saved = rig.server.http.post(f"/api/sessions/{session['id']}/world", json={"title": "Here"}).json()
    env.reset(options={"world": saved["world_id"]})
    assert (env.step(FORWARD)[0] == second).all()
    with pytest.raises(ValueError, match="no option"):
        env.reset(options={"planet": 3})
    env.close()


def test_what_is_closed_or_not_begun_says_so(rig: ClientRig) -> None:
    env = TerrariumEnv(rig.url)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(FORWARD)
    env.close()
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        env.reset()


def test_many_worlds_step_together_each_in_its_own(rig: ClientRig) -> None:
    envs = TerrariumVectorEnv(rig.url, num_envs=3, size=(48, 32), actions="box", max_steps=2)
    first, _ = envs.reset(seed=1)
    again, _ = envs.reset(seed=1)
    assert first.shape == (3, 32, 48, 3)
    assert (first == again).all()
    actions = np.stack([BOX_FORWARD] * 3)
    actions[1, 0] = -1
    made = [envs.step(actions) for _ in range(3)]
    envs.close()
    assert [truncated.tolist() for _, _, _, truncated, _ in made] == [[False] * 3, [True] * 3, [False] * 3]
    contents = [read_frame(seen) for seen in made[0][0]]
    assert [bool(content.buttons) for content in contents] == [True, False, True]
    assert [content.rng_seed for content in contents] == [1, 2, 3]
    assert (made[2][0] == first).all()  # the third step has begun the next episodes
