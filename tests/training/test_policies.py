"""Whether the scripts move as people do, in worlds that push back."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.config import FPS
from simulator.player import Action, PlayerState, advance
from tests.simulator.walks import visit
from training.policies import FASTEST_TURN, POLICIES, PolicyName, draw_policy, smooth_turn, steady_turn
from training.starts import start_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

pytestmark = pytest.mark.trial

NAMES = tuple(POLICIES)


def walk(policy: PolicyName, seed: int, frames: int = 240) -> tuple[list[Action], list[PlayerState]]:
    """What a script did in a meadow, and where that led."""
    around, rng = visit(4).around, np.random.default_rng(seed)
    states = [start_for(policy, around, rng)]
    script = POLICIES[policy][1](rng, states[0])
    actions = [next(script)]
    for _ in range(frames):
        states.append(advance(around, states[-1], actions[-1]))
        actions.append(script.send(states[-1]))
    return actions[:-1], states


def yaw_rates(actions: list[Action]) -> NDArray[np.float64]:
    return np.array([action.yaw for action in actions]) * FPS


@pytest.mark.parametrize("policy", NAMES)
def test_a_seed_decides_a_walk(policy: PolicyName) -> None:
    assert walk(policy, 1, 60) == walk(policy, 1, 60)


@pytest.mark.parametrize("policy", NAMES)
def test_policies_stay_within_what_a_person_can_do(policy: PolicyName) -> None:
    for seed in range(6):
        actions, states = walk(policy, seed)
        assert np.abs(yaw_rates(actions)).max() <= FASTEST_TURN + 0.05
        assert max(abs(action.pitch) for action in actions) * FPS < 2.5
        assert max(abs(state.pitch) for state in states) < math.radians(36.0)
        assert abs(np.mean([state.pitch for state in states])) < math.radians(12.0)
        assert {action.forward for action in actions} <= {-1.0, 0.0, 1.0}


def test_the_goal_walk_gets_somewhere() -> None:
    distances = [math.dist((s[0].x, s[0].z), (s[-1].x, s[-1].z)) for _, s in (walk("goal_walk", n) for n in range(8))]
    assert np.median(distances) > 8.0


def test_the_wall_hugging_policy_meets_a_wall() -> None:
    """In most walks it presses forward without moving on."""
    blocked = [
        any(state.speed < 1.5 for state in states[20:100]) for _, states in (walk("wall_hugging", n) for n in range(10))
    ]
    assert sum(blocked) >= 5


def test_idling_is_mostly_nothing() -> None:
    for seed in range(6):
        actions, _ = walk("idle", seed)
        assert sum(action == Action() for action in actions) > 0.7 * len(actions)


def test_some_idle_for_good_and_some_tap() -> None:
    still = [all(action == Action() for action in walk("idle", seed)[0]) for seed in range(10)]
    assert any(still)
    assert not all(still)


def test_a_look_away_comes_back() -> None:
    """Some seconds in, the look has been at least 60 degrees aside, and at the first yaw again."""
    for seed in range(8):
        _, states = walk("look_and_return", seed, 300)
        away = [abs(math.remainder(state.yaw - states[0].yaw, 2.0 * math.pi)) for state in states]
        turned = next(index for index, angle in enumerate(away) if angle > math.radians(59.0))
        assert min(away[turned:]) < 0.02


def test_the_mouse_rests_at_times() -> None:
    actions, _ = walk("smooth_look", 2, 600)
    assert 0.02 < sum(action.yaw == 0.0 for action in actions) / len(actions) < 0.7


def test_held_keys_are_held() -> None:
    actions, _ = walk("held_keys", 3, 400)
    keys = [(a.forward, a.strafe, a.run, a.jump, a.crouch) for a in actions]
    changes = sum(a != b for a, b in pairwise(keys))
    assert 400 / 41 - 4 <= changes <= 400 / 5
    assert {action.crouch for action in actions} == {False, True}


@pytest.mark.parametrize("turn", [steady_turn, smooth_turn])
@pytest.mark.parametrize("angle", [0.3, -2.0, 2.0 * math.pi])
def test_turns_add_up_and_keep_their_pace(turn: Callable[[float, float], Iterator[float]], angle: float) -> None:
    yaws = list(turn(angle, 2.0))
    assert sum(yaws) == pytest.approx(angle)
    assert max(abs(yaw) for yaw in yaws) * FPS < 2.0 * 1.35


def test_policies_are_drawn_by_their_shares() -> None:
    assert sum(share for share, _ in POLICIES.values()) == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    counts = Counter(draw_policy(rng) for _ in range(2000))
    for name, (share, _) in POLICIES.items():
        assert counts[name] / 2000 == pytest.approx(share, abs=0.04)
