"""The player: their state, and how an action changes it in one frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from simulator.config import FRAME_S
from simulator.walking import climb, find_clear_spot, open_direction, walk

if TYPE_CHECKING:
    from simulator.surroundings import Surroundings

# From x, z, dx, dz and the height of the feet to the new x and z and the height of their ground.
Step: TypeAlias = Callable[[float, float, float, float, float], tuple[float, float, float]]

EYE_HEIGHT: Final = 1.62  # m
CROUCH_DROP: Final = 0.7
WALK_SPEED: Final = 2.8  # m/s
RUN_SPEED: Final = 6.0
CROUCH_SPEED: Final = 1.3
JUMP_SPEED: Final = 4.2  # m/s, upwards
GRAVITY: Final = 11.0
PITCH_LIMIT: Final = math.radians(38.0)
LARGEST_TURN: Final = math.pi  # rad in one frame

SPEED_UP_S: Final = 0.14  # time constants with which speed and stance approach their goals
SLOW_DOWN_S: Final = 0.12
STANCE_S: Final = 0.09
BOB_HEIGHT: Final = 0.02
BOB_PER_METRE: Final = 2.0 * math.pi / 1.7


@dataclass(frozen=True, slots=True)
class Action:
    """The player's intent in one frame."""

    forward: float = 0.0  # -1 to 1
    strafe: float = 0.0  # -1 to 1, positive to the right
    run: bool = False
    jump: bool = False
    crouch: bool = False
    yaw: float = 0.0  # rad to turn, positive to the right
    pitch: float = 0.0  # rad to look, positive upwards


@dataclass(frozen=True, slots=True)
class PlayerState:
    """Position, motion and view, in metres, metres per second and radians. Yaw is 0 towards +z, pi/2 towards +x."""

    x: float
    z: float
    feet: float  # height of the feet above the water
    vx: float = 0.0
    vz: float = 0.0
    fall: float = 0.0  # upward speed in the air
    in_air: float = 0.0  # 1 in the air, 0 on the ground
    yaw: float = 0.0
    pitch: float = 0.0
    crouch: float = 0.0  # 0 upright, 1 down
    stride: float = 0.0  # rad, phase of the head bob

    @property
    def speed(self) -> float:
        return math.hypot(self.vx, self.vz)

    @property
    def eye(self) -> float:
        """Height of the eye above the water. It stays above the surface even in deep water."""
        bob = BOB_HEIGHT * min(1.0, self.speed / WALK_SPEED) * math.sin(self.stride)
        return max(0.25, self.feet + EYE_HEIGHT + bob - CROUCH_DROP * self.crouch)


def initial_state(around: Surroundings, near_x: float = 0.0, near_z: float = 0.0) -> PlayerState:
    """A player at a free, level spot as near as possible to a position, facing the open landscape."""
    x, z = find_clear_spot(around, near_x, near_z)
    around.follow(x, z)
    return PlayerState(x=x, z=z, feet=climb(around.ground, x, z), yaw=open_direction(around, x, z))


def advance(around: Surroundings, state: PlayerState, action: Action) -> PlayerState:
    """The state one frame (1/30 s) later. It depends only on the world, the state and the action."""
    around.follow(state.x, state.z)
    return moved(state, action, partial(walk, around.ground))


def moved(state: PlayerState, action: Action, step: Step) -> PlayerState:
    """The state after an action, where `step` tells what a walk by (dx, dz) metres leads to."""
    yaw = math.remainder(state.yaw + _clamped(action.yaw, LARGEST_TURN), 2.0 * math.pi)
    pitch = _clamped(state.pitch + _clamped(action.pitch, LARGEST_TURN), PITCH_LIMIT)
    wish_x, wish_z = _wished_velocity(action, yaw)
    rising = math.hypot(wish_x, wish_z) > state.speed
    pull = SPEED_UP_S if rising else SLOW_DOWN_S
    vx, vz = _approach(state.vx, wish_x, pull), _approach(state.vz, wish_z, pull)
    x, z, ground = step(state.x, state.z, vx * FRAME_S, vz * FRAME_S, state.feet)
    after = replace(
        state,
        x=x,
        z=z,
        # If a wall or a slope shortened the step, the velocity decreases too.
        vx=(x - state.x) / FRAME_S if vx != 0.0 else 0.0,
        vz=(z - state.z) / FRAME_S if vz != 0.0 else 0.0,
        yaw=yaw,
        pitch=pitch,
        crouch=_approach(state.crouch, 1.0 if action.crouch else 0.0, STANCE_S),
    )
    return _fallen(after, ground, jump=action.jump)


def _fallen(state: PlayerState, ground: float, *, jump: bool) -> PlayerState:
    """Update the height of the feet, the fall and the stride, for ground at the given height."""
    if state.in_air == 0.0 and not jump:
        stride = math.fmod(state.stride + state.speed * FRAME_S * BOB_PER_METRE, 2.0 * math.pi)
        # The feet follow a slope, but walking over an edge starts a fall.
        if ground > state.feet - 0.35:
            return replace(state, feet=ground, stride=stride)
        return replace(state, in_air=1.0, fall=0.0, stride=stride)
    fall = JUMP_SPEED if state.in_air == 0.0 else state.fall - GRAVITY * FRAME_S
    feet = state.feet + fall * FRAME_S
    if feet <= ground and fall <= 0.0:
        return replace(state, feet=ground, fall=0.0, in_air=0.0)
    return replace(state, feet=max(feet, ground), fall=fall, in_air=1.0)


def _wished_velocity(action: Action, yaw: float) -> tuple[float, float]:
    forward, strafe = _clamped(action.forward, 1.0), _clamped(action.strafe, 1.0)
    speed = CROUCH_SPEED if action.crouch else (RUN_SPEED if action.run else WALK_SPEED)
    scale = speed / max(1.0, math.hypot(forward, strafe))
    sin, cos = math.sin(yaw), math.cos(yaw)
    return scale * (forward * sin + strafe * cos), scale * (forward * cos - strafe * sin)


def _clamped(value: float, limit: float) -> float:
    """Clamp `value` to [-limit, limit]. NaN becomes 0."""
    return 0.0 if math.isnan(value) else max(-limit, min(limit, value))


def _approach(value: float, goal: float, time_constant: float) -> float:
    """Approach `goal` exponentially, and snap to it once the difference is small."""
    value = goal + (value - goal) * math.exp(-FRAME_S / time_constant)
    return goal if abs(value - goal) < 2e-3 else value
