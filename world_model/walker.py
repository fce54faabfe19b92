"""One player in the dreamed world: holds its state and makes the next picture from a wish."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from world_model.memory import (
    Memory,
    Pose,
    Remembered,
    around,
    has_left,
    imagine,
    moves_between,
    next_anchor,
    recall,
    remember,
    taken_along,
)
from world_model.noise import pass_noise
from world_model.renewal import EVERY, has_come_apart
from world_model.sampler import DEFAULT_STEPS, sample

if TYPE_CHECKING:
    from world_model.runtime import Bytes, Floats, Runtime

PITCH_LIMIT: Final = math.radians(38.0)
LARGEST_TURN: Final = math.pi  # rad in one frame
_STILL: Final = 1.5e-3  # m in a frame; a smaller step of one who wants none is no step
_LONGEST_STEP: Final = 0.5  # m in a frame, far above running: no step leaves the picture behind
# Nobody leaves the ground but by jumping: a guess of how far below it is may be wrong, and would become a fall.
FLIGHT: Final = 26  # frames, a little more than a jump takes on even ground
_STEEPEST: Final = 0.35  # metres up or down in a metre ahead
_LIFT: Final = 0.01  # m in a frame, by which the eye finds back to its height


@dataclass(frozen=True, slots=True)
class Wish:
    """What the player asks for in one frame."""

    forward: float = 0.0  # -1 to 1
    strafe: float = 0.0  # -1 to 1, positive to the right
    run: bool = False
    jump: bool = False
    crouch: bool = False
    turn: float = 0.0  # rad, positive to the right
    look_up: float = 0.0  # rad


@dataclass(frozen=True, slots=True)
class WalkerState:
    """Everything that the next picture depends on, besides the weights and the wish. Arrays are never written again."""

    rng_seed: int
    frame: int  # how many were made
    view: Bytes  # [4, h, w]
    pose: Pose
    past: tuple[float, ...]  # [6], the last two steps along the axes of the look, metres
    aloft: int  # frames that a jump may still take
    home: Remembered
    anchor: Remembered
    memory: Memory  # besides home


class Walker:
    """Used by one thread at a time; walkers share the runtime."""

    def __init__(self, runtime: Runtime, picture: Bytes, *, rng_seed: int, steps: int = DEFAULT_STEPS) -> None:
        """Stand in `picture`, uint8 [h, w, 3]. `steps` is how often the dynamics are asked for a frame: 1, 2 or 4.

        Raises:
            ValueError: the picture is not one of the model's size.
        """
        self._runtime, self._steps = runtime, steps
        view, pose = runtime.start(self._checked(picture)), Pose()
        home = Remembered(view, pose)
        self.state = WalkerState(rng_seed, 0, view, pose, (0.0,) * 6, 0, home, home, ())

    def step(self, wish: Wish) -> Bytes:
        """The next picture, uint8 [h, w, 3]: a new array."""
        state = self.state
        turn = _within(wish.turn, LARGEST_TURN)
        pitch = _within(math.atan(state.pose.slope) + _within(wish.look_up, LARGEST_TURN), PITCH_LIMIT)
        step = self._step(state, wish, turn)
        pose = _moved(state.pose, step, turn, math.tan(pitch))
        moves = moves_between(state.pose, pose)
        context, reference, known = self._look(state, pose, moves, turn or step[0])
        noise = pass_noise(state.rng_seed, state.frame, 1, context.shape)[0]
        latents = sample(
            lambda noisy, level: self._runtime.dream(noisy, level, context, known, moves), noise, self._steps
        )
        view, picture = self._runtime.show(latents, reference, known)
        past = (*step, *_turned(state.past[:3], turn))
        aloft = FLIGHT if wish.jump else max(0, state.aloft - 1)
        home, anchor, memory = self._kept(state, view, pose)
        self.state = WalkerState(state.rng_seed, state.frame + 1, view, pose, past, aloft, home, anchor, memory)
        return np.ascontiguousarray(picture)

    def continue_from(self, picture: Bytes) -> None:
        """Go on from another picture of the same place: what was remembered of the old one is forgotten."""
        view = self._runtime.start(self._checked(picture))
        home = Remembered(view, self.state.pose)
        self.state = replace(self.state, view=view, home=home, anchor=home, memory=())

    def _kept(self, state: WalkerState, view: Bytes, pose: Pose) -> tuple[Remembered, Remembered, Memory]:
        """Home, anchor and memory after a step. Far from home, or where a dream came apart, it begins anew with home
        around the walker."""
        lost = state.frame % EVERY == 0 and has_come_apart(view, pose, state.home.view)
        if lost or has_left(state.home, pose):
            home = taken_along(state.home, pose)
            return home, around(home, pose.yaw, self._runtime.config.fov), ()
        seen = (state.home, *state.memory)
        return state.home, next_anchor(state.anchor, seen, view, pose), remember(state.home, state.memory, view, pose)

    def _look(self, state: WalkerState, pose: Pose, moves: Floats, aside: float) -> tuple[Floats, Floats, Floats]:
        """What is seen, remembered and imagined of the next view: context, reference, where known.

        `aside` has the sign of the side where something comes into view: of the turn, else of the step.
        """
        recalled = recall((state.home, *state.memory), pose, aside)
        imagined = imagine(state.home, pose, aside, self._runtime.config.fov)
        views, leads = [state.anchor.view, state.view], [moves_between(state.anchor.pose, pose), moves]
        for found in (recalled, imagined if imagined is not recalled else None):
            if found is not None and found is not state.anchor:
                views.append(found.view)
                leads.append(moves_between(found.pose, pose))
        return self._runtime.look(np.stack(views), np.stack(leads))

    def _step(self, state: WalkerState, wish: Wish, turn: float) -> tuple[float, float, float]:
        """Right, up and forward in metres, along the axes of the new look."""
        wishes = np.array(
            [
                _within(wish.forward, 1.0),
                _within(wish.strafe, 1.0),
                float(wish.run),
                float(wish.jump),
                float(wish.crouch),
            ],
            dtype=np.float32,
        )
        past = np.array(state.past, dtype=np.float32)
        step = self._runtime.walk(state.view, past, wishes, turn, state.pose.slope)
        if not wishes.any() and float(np.abs(step).max()) < _STILL:
            return 0.0, 0.0, 0.0
        right, up, forward = (_within(float(length), _LONGEST_STEP) for length in step)
        if not (wish.jump or state.aloft):
            up = _within(up, _STEEPEST * math.hypot(right, forward) + _LIFT)
        return right, up, forward

    def _checked(self, picture: Bytes) -> Bytes:
        shape = (self._runtime.config.height, self._runtime.config.width, 3)
        if picture.shape != shape or picture.dtype != np.uint8:
            raise ValueError(f"The world model needs a uint8 picture of {shape}, not {picture.dtype} {picture.shape}.")
        return np.ascontiguousarray(picture)


def _moved(pose: Pose, step: tuple[float, float, float], turn: float, slope: float) -> Pose:
    right, up, forward = step
    yaw = math.remainder(pose.yaw + turn, 2.0 * math.pi)
    sin, cos = math.sin(yaw), math.cos(yaw)
    return Pose(
        x=pose.x + right * cos + forward * sin,
        y=pose.y + up,
        z=pose.z - right * sin + forward * cos,
        yaw=yaw,
        slope=slope,
    )


def _turned(step: tuple[float, ...], turn: float) -> tuple[float, float, float]:
    """A step along the axes of a look that has turned right."""
    right, up, forward = step
    sin, cos = math.sin(turn), math.cos(turn)
    return right * cos - forward * sin, up, right * sin + forward * cos


def _within(value: float, limit: float) -> float:
    """`value` within plus and minus `limit`; NaN is nothing."""
    return 0.0 if math.isnan(value) else max(-limit, min(limit, value))
