"""Where clips begin: anywhere in a world, but before a wall or a trunk for whoever means to walk into one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.player import initial_state
from simulator.walking import climb, is_clear

if TYPE_CHECKING:
    from simulator.player import PlayerState
    from simulator.surroundings import Surroundings
    from training.policies import PolicyName

_SPREAD_M: Final = 80.0  # how far from the origin the clips of one world begin, along each axis
_HOUSES_WITHIN_M: Final = 40.0
_REACH_M: Final = 20.0


def start_for(policy: PolicyName, around: Surroundings, rng: np.random.Generator) -> PlayerState:
    """Where and how somebody of that policy stands at first."""
    near_x, near_z = (float(value) for value in rng.uniform(-_SPREAD_M, _SPREAD_M, 2))
    state = initial_state(around, near_x, near_z)
    # The wide view that a game begins with, or any other.
    yaw = state.yaw if rng.random() < 0.35 else float(rng.uniform(-math.pi, math.pi))
    state = replace(state, yaw=yaw, pitch=float(rng.normal(0.0, 0.08)))
    if policy == "wall_hugging":
        return _before_a_house(around, state, rng) or _before_something(around, state, rng) or state
    return state


def _before_a_house(around: Surroundings, state: PlayerState, rng: np.random.Generator) -> PlayerState | None:
    """A few steps from a house in the neighbourhood, with a look at it: walls are what one can slide along."""
    houses = around.ground.houses.reshape(-1, around.ground.houses.shape[-1])
    away = np.hypot(houses[:, 1] - state.x, houses[:, 2] - state.z)
    near = houses[(houses[:, 0] != 0.0) & (away < _HOUSES_WITHIN_M)]
    if len(near) == 0:
        return None
    _, x, z, *_ = (float(value) for value in near[int(rng.integers(len(near)))])
    for _ in range(8):
        bearing, distance = float(rng.uniform(-math.pi, math.pi)), float(rng.uniform(5.0, 10.0))
        to_x, to_z = x - distance * math.sin(bearing), z - distance * math.cos(bearing)
        if is_clear(around.ground, to_x, to_z) and climb(around.ground, to_x, to_z) > 0.0:
            return _put(around, state, to_x, to_z, bearing + float(rng.normal(0.0, 0.3)))
    return None


def _before_something(around: Surroundings, state: PlayerState, rng: np.random.Generator) -> PlayerState | None:
    """A few steps before what bars the way in some direction: a trunk, mostly, or deep water."""
    barred: list[tuple[float, float]] = []
    for yaw in np.linspace(-math.pi, math.pi, 64, endpoint=False):
        dx, dz = math.sin(yaw), math.cos(yaw)
        for step in np.arange(1.0, _REACH_M, 0.2):
            if not is_clear(around.ground, state.x + step * dx, state.z + step * dz):
                barred.append((float(yaw), float(step)))
                break
    if not barred:
        return None
    yaw, reach = barred[int(rng.integers(len(barred)))]
    walked = max(0.0, reach - float(rng.uniform(1.0, 5.0)))
    return _put(around, state, state.x + walked * math.sin(yaw), state.z + walked * math.cos(yaw), yaw)


def _put(around: Surroundings, state: PlayerState, x: float, z: float, yaw: float) -> PlayerState:
    return replace(state, x=x, z=z, feet=climb(around.ground, x, z), yaw=math.remainder(yaw, 2.0 * math.pi))
