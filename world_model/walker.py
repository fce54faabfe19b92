"""One player in a world of keyframes: holds its state and makes the next picture from what the player asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from world_model.keyframe_work import KeyframeWork
from world_model.motion_step import MotionState, next_motion
from world_model.motion_view import motion_view
from world_model.pose import Pose, relative_pose_between

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from world_model.keyframes import KeyframeKeeper, KeyframeState
    from world_model.layers import Bytes
    from world_model.motion_step import WalkerIntent
    from world_model.runtime import Runtime


@dataclass(frozen=True, slots=True)
class WalkerState:
    """Everything that the next picture depends on, besides the weights and the input."""

    motion: MotionState
    keyframes: KeyframeState


class Walker:
    """Used by one thread at a time; walkers share the runtime, the keeper and the threads. Nothing in it is random."""

    def __init__(
        self, runtime: Runtime, keeper: KeyframeKeeper, picture: Bytes, threads: Executor | None = None
    ) -> None:
        """Stand in `picture`, uint8 [h, w, 3] of the model's size, or of `FINE` times that.

        `runtime` tells how the player moves. Keyframes are made on `threads` ahead of the frame at which they are taken
        up, or without any in that frame; the frames are the same.
        """
        self._runtime, self._config, self._keeper = runtime, runtime.config, keeper
        self._work = None if threads is None else KeyframeWork(keeper, threads)
        self._state = WalkerState(MotionState(Pose()), keeper.begin(picture, Pose()))

    @property
    def state(self) -> WalkerState:
        return self._state

    @state.setter
    def state(self, state: WalkerState) -> None:
        self._state = state
        if self._work is not None:
            self._work.follow(state.keyframes)

    def step(self, intent: WalkerIntent) -> Bytes:
        """The next picture, uint8 [h, w, 3]: a new array.

        Raises:
            KeyframeFailedError: a keyframe could not be made; the state is as it was.
        """
        state = self._state
        current = state.keyframes.current
        known = self._keeper.prepared(state.keyframes, current).inverse_depth
        relative_pose = relative_pose_between(current.pose, state.motion.pose)
        view = None if known is None else motion_view(self._config, known, relative_pose)
        motion = next_motion(self._runtime, view, state.motion, intent)
        made = None if self._work is None else self._work.made
        picture, keyframes = self._keeper.frame(state.keyframes, motion.pose, made, above=motion.eye_above)
        self.state = WalkerState(motion, keyframes)
        return picture

    def continue_from(self, picture: Bytes) -> None:
        """Go on from another picture of the same place: what was remembered of the old one is forgotten."""
        motion = self._state.motion
        self.state = WalkerState(motion, self._keeper.begin(picture, motion.pose))

    def close(self) -> None:
        """Nobody waits for a keyframe any more."""
        if self._work is not None:
            self._work.forget()
