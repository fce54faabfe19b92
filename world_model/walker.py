"""One player in the generated world: holds its state and makes the next picture from what the player asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from world_model.memory import (
    Memory,
    Pose,
    Remembered,
    around,
    has_left,
    imagine,
    next_anchor,
    recall,
    relative_pose_between,
    remember,
    taken_along,
)
from world_model.motion_step import LARGEST_TURN, MotionState, next_motion, within
from world_model.noise import pass_noise
from world_model.renewal import EVERY, has_come_apart
from world_model.sampler import DEFAULT_STEPS, sample

if TYPE_CHECKING:
    from world_model.motion_step import WalkerIntent
    from world_model.runtime import Bytes, Floats, Runtime


@dataclass(frozen=True, slots=True)
class WalkerState:
    """All that the next picture depends on, besides the weights and the input. Arrays are never written again."""

    rng_seed: int
    frame: int  # how many were made
    view: Bytes  # [4, h, w]
    pose: Pose
    past: tuple[float, ...]  # [6], the last two steps along the axes of the look, metres
    airborne_frames: int  # frames that a jump may still take
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

    def step(self, intent: WalkerIntent) -> Bytes:
        """The next picture, uint8 [h, w, 3]: a new array."""
        state = self.state
        motion = MotionState(state.pose, state.past, state.airborne_frames)
        motion, step = next_motion(self._runtime, state.view, motion, intent)
        return self._frame(motion, within(intent.turn, LARGEST_TURN) or step[0])

    def follow(self, pose: Pose) -> Bytes:
        """The next picture from a pose that somebody else decided: what a model sees is judged by itself."""
        state = self.state
        right, up, forward, turn, *_ = (float(value) for value in relative_pose_between(state.pose, pose))
        past = (right, up, forward, *state.past[:3])
        return self._frame(MotionState(pose, past, 0), turn or right)

    def _frame(self, motion: MotionState, aside: float) -> Bytes:
        """Go on to the next frame; something comes into view on the side that `aside` has the sign of."""
        state, pose = self.state, motion.pose
        relative_pose = relative_pose_between(state.pose, pose)
        context, reference, mask = self._encode_context(state, pose, relative_pose, aside)
        noise = pass_noise(state.rng_seed, state.frame, 1, context.shape)[0]
        latents = sample(
            lambda noisy, level: self._runtime.denoise(noisy, level, context, mask, relative_pose), noise, self._steps
        )
        view, picture = self._runtime.decode(latents, reference, mask)
        home, anchor, memory = self._kept(state, view, pose)
        self.state = WalkerState(
            state.rng_seed, state.frame + 1, view, pose, motion.past, motion.airborne_frames, home, anchor, memory
        )
        return np.ascontiguousarray(picture)

    def continue_from(self, picture: Bytes) -> None:
        """Go on from another picture of the same place: what was remembered of the old one is forgotten."""
        view = self._runtime.start(self._checked(picture))
        home = Remembered(view, self.state.pose)
        self.state = replace(self.state, view=view, home=home, anchor=home, memory=())

    def _kept(self, state: WalkerState, view: Bytes, pose: Pose) -> tuple[Remembered, Remembered, Memory]:
        """Home, anchor and memory after a step. Far from home, or where the view has degenerated, the world
        begins anew with home around the walker."""
        lost = state.frame % EVERY == 0 and has_come_apart(view, pose, state.home.view)
        if lost or has_left(state.home, pose):
            home = taken_along(state.home, pose)
            return home, around(home, pose.yaw, self._runtime.config.fov), ()
        seen = (state.home, *state.memory)
        return state.home, next_anchor(state.anchor, seen, view, pose), remember(state.home, state.memory, view, pose)

    def _encode_context(
        self, state: WalkerState, pose: Pose, relative_pose: Floats, aside: float
    ) -> tuple[Floats, Floats, Floats]:
        """What is seen, remembered and imagined of the next view: context, reference, where known.

        `aside` has the sign of the side where something comes into view: of the turn, else of the step.
        """
        recalled = recall((state.home, *state.memory), pose, aside)
        imagined = imagine(state.home, pose, aside, self._runtime.config.fov)
        views, relative_poses = (
            [state.anchor.view, state.view],
            [relative_pose_between(state.anchor.pose, pose), relative_pose],
        )
        for found in (recalled, imagined if imagined is not recalled else None):
            if found is not None and found is not state.anchor:
                views.append(found.view)
                relative_poses.append(relative_pose_between(found.pose, pose))
        return self._runtime.encode_context(np.stack(views), np.stack(relative_poses))

    def _checked(self, picture: Bytes) -> Bytes:
        shape = (self._runtime.config.height, self._runtime.config.width, 3)
        if picture.shape != shape or picture.dtype != np.uint8:
            raise ValueError(f"The world model needs a uint8 picture of {shape}, not {picture.dtype} {picture.shape}.")
        return np.ascontiguousarray(picture)
