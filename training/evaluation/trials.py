"""Walks in held-out worlds: what a player did there, and what the simulator shows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from simulator.config import WorldConfig
from simulator.player import Action, advance, initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.policies import POLICIES, PolicyName, steady_turn
from training.recorder import CLIPS_PER_WORLD, FIRST_HELDOUT_SEED, Recipe, Recorder, open_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from simulator.player import PlayerState
    from world_model.config import ModelConfig

Picture: TypeAlias = "NDArray[np.uint8]"  # [height, width, 3]
Kind: TypeAlias = Literal["walking", "looking", "idle"]

KINDS: Final[Mapping[PolicyName, Kind]] = MappingProxyType(
    {
        "goal_walk": "walking",
        "wall_hugging": "walking",
        "held_keys": "walking",
        "smooth_look": "looking",
        "look_and_return": "looking",
        "idle": "idle",
    }
)
TURN_RATE: Final = 2.5  # rad/s
_SPREAD_M: Final = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """`actions[i]` leads from `states[i]` to `states[i + 1]`. Used by one thread at a time."""

    number: int
    policy: PolicyName
    around: Surroundings
    states: tuple[PlayerState, ...]
    actions: tuple[Action, ...]

    @property
    def kind(self) -> Kind:
        return KINDS[self.policy]

    def pictures(self) -> Iterator[Picture]:
        """The first picture and the one after each action, each a new array."""
        renderer, config = Renderer(self.around), self.around.world.config
        for state in self.states:
            picture = np.empty((config.height, config.width, 3), dtype=np.uint8)
            renderer.draw(state, picture)
            yield picture

    def picture(self, number: int) -> Picture:
        """One of `pictures`, a new array."""
        return next(replace(self, states=self.states[number : number + 1]).pictures())

    def first_seen(self, height: int, width: int, fov_deg: float) -> Picture:
        """The first picture to a camera of another size and angle of view."""
        world = self.around.world
        config = replace(world.config, height=height, width=width, fov_deg=fov_deg)
        if config == world.config:
            return self.picture(0)
        return replace(self, around=Surroundings(replace(world, config=config))).picture(0)

    def ahead(self) -> NDArray[np.float64]:
        """Metres that each action led along the look: [len(actions)]."""
        x, z, yaw = (np.array([getattr(state, name) for state in self.states]) for name in ("x", "z", "yaw"))
        return np.diff(x) * np.sin(yaw[1:]) + np.diff(z) * np.cos(yaw[1:])


def recorded_walk(size: ModelConfig, number: int, frames: int) -> Trial:
    """The held-out clip of that number, as `training.make_clips` records it, `frames` actions long."""
    walk = Recorder(Recipe("heldout", frames + 1, config=picture_config(size))).walk(number)
    return Trial(number, walk.policy, walk.around, walk.states, walk.actions[1:])


def long_walk(size: ModelConfig, number: int, frames: int) -> Trial:
    """Play without end, from goal to goal, in a held-out world."""
    around, rng = _world(size, number), np.random.default_rng([number, 0x10A6])
    start = open_start(around, "goal_walk", rng)
    script = POLICIES["goal_walk"][1](rng, start)
    states, actions = [start], [next(script)]
    for _ in range(frames):
        states.append(advance(around, states[-1], actions[-1]))
        actions.append(script.send(states[-1]))
    return Trial(number, "goal_walk", around, tuple(states), tuple(actions[:-1]))


def full_turn(size: ModelConfig, number: int, *, left: bool = False) -> Trial:
    """Once around, standing still: the last picture is the first."""
    angle = 2.0 * math.pi * (-1.0 if left else 1.0)
    return _scripted(size, number, "look_and_return", (Action(yaw=yaw) for yaw in steady_turn(angle, TURN_RATE)))


def course(size: ModelConfig, number: int) -> Trial:
    """There and back in the open, walking and running, with rests between, level all the way: what hands can ask of
    legs, where little stands in the way."""
    paces = ((0.0, 8), (1.0, 30), (0.0, 12), (-1.0, 24), (0.0, 12), (2.0, 24), (0.0, 12), (-1.0, 20), (0.0, 8))
    around, rng = _world(size, number), np.random.default_rng([number, 0xC0E5])
    near_x, near_z = (float(value) for value in rng.uniform(-_SPREAD_M, _SPREAD_M, 2))
    actions = [Action(forward=min(1.0, pace), run=pace > 1.0) for pace, frames in paces for _ in range(frames)]
    return _taken(number, "goal_walk", around, initial_state(around, near_x, near_z), actions)


def _scripted(size: ModelConfig, number: int, policy: PolicyName, actions: Iterable[Action]) -> Trial:
    around, rng = _world(size, number), np.random.default_rng([number, 0x57A2])
    return _taken(number, policy, around, replace(open_start(around, policy, rng), pitch=0.0), actions)


def _taken(
    number: int, policy: PolicyName, around: Surroundings, start: PlayerState, actions: Iterable[Action]
) -> Trial:
    taken, states = tuple(actions), [start]
    for action in taken:
        states.append(advance(around, states[-1], action))
    return Trial(number, policy, around, tuple(states), taken)


def _world(size: ModelConfig, number: int) -> Surroundings:
    """The held-out worlds in turn; as with clips, `number` counts places of which each world has some."""
    return Surroundings(make_world(FIRST_HELDOUT_SEED + number // CLIPS_PER_WORLD, picture_config(size)))


def picture_config(size: ModelConfig) -> WorldConfig:
    return WorldConfig(height=size.height, width=size.width, fov_deg=size.fov_deg)
