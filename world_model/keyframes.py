"""Keeps the keyframes of a walk: draws each frame from the current one, and decides when another takes its place.

A keyframe is taken apart into soft layers once, by a network; the frames around it are drawn from those. After a metre
or twelve degrees the next keyframe is made of what is seen then: the layers so far, the keyframes that are remembered
where those show nothing, and what the panorama imagines where nobody has looked. A short dissolve hides the change. All
of it is decided by the poses alone, so the same walk has the same frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from world_model.memory import Pose, relative_pose_between
from world_model.panorama import Panorama, turn_between

if TYPE_CHECKING:
    from world_model.certainty import Seer
    from world_model.config import ModelConfig
    from world_model.layer_renderer import LayerRenderer, Layers

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

CAPACITY: Final = 12  # keyframes that are remembered besides the current one
DISSOLVE: Final = 8  # frames
_REACH_M: Final = 1.0
_REACH_TURN: Final = math.radians(12.0)
_REACH_SLOPE: Final = 0.2
_FAR_OUT: Final = 2.0  # strain from which a dissolve is cut short: the old keyframe shows too little
_AS_NEAR: Final = 0.5  # strain up to which a remembered keyframe is taken again
_HELPFUL_TURN: Final = math.radians(60.0)  # a remembered keyframe that looks farther aside shows nothing of the view
_HELPFUL_M: Final = 8.0
_HELPERS: Final = 3
_SEEN: Final = 0.98  # of a mask, above which nothing need be added
_SEAM: Final = 13  # pixels over which what is added fades in; odd


@dataclass(frozen=True, slots=True)
class Keyframe:
    layers: Layers
    pose: Pose


@dataclass(frozen=True, slots=True)
class KeyframeState:
    """Everything that the next frame depends on, besides the network and the pose. Nothing in it is written again."""

    home: Bytes  # [h, w, 3], the picture that the world began with
    home_pose: Pose
    current: Keyframe
    previous: Keyframe | None  # what a dissolve comes from
    dissolved: int  # frames of the dissolve that were shown
    remembered: tuple[Keyframe, ...]  # oldest first


class KeyframeKeeper:
    """Has no state but the network; any number of threads may call."""

    def __init__(self, config: ModelConfig, seer: Seer, renderer: LayerRenderer) -> None:
        self._seer, self._renderer, self._panorama = seer, renderer, Panorama(config)

    def begin(self, picture: Bytes, pose: Pose) -> KeyframeState:
        """Stand in `picture`, uint8 [h, w, 3]."""
        current = Keyframe(self._seer.see(picture, pose.slope), pose)
        return KeyframeState(picture, pose, current, None, 0, ())

    def frame(self, state: KeyframeState, pose: Pose) -> tuple[Bytes, KeyframeState]:
        """What is seen from `pose`, uint8 [h, w, 3], and the state after it."""
        state = self._moved_on(state, pose)
        picture = self._draw(state.current, pose)
        if state.previous is None:
            return picture, state
        share = (state.dissolved + 1) / (DISSOLVE + 1)
        before = self._draw(state.previous, pose)
        blended: Bytes = np.asarray(cv2.addWeighted(picture, share, before, 1.0 - share, 0.0), dtype=np.uint8)
        if state.dissolved + 1 == DISSOLVE:
            return blended, replace(state, previous=None, dissolved=0)
        return blended, replace(state, dissolved=state.dissolved + 1)

    def _moved_on(self, state: KeyframeState, pose: Pose) -> KeyframeState:
        """The state with another keyframe, where the pose asks for one."""
        strain = strain_between(state.current.pose, pose)
        if strain <= (1.0 if state.previous is None else _FAR_OUT):
            return state
        near = min(state.remembered, key=lambda old: strain_between(old.pose, pose), default=None)
        if near is not None and strain_between(near.pose, pose) <= _AS_NEAR:
            following = near
        else:
            painted, doubt = self._painted(state, pose), state.current.layers.doubt
            following = Keyframe(self._seer.see(painted, pose.slope, doubt=doubt), pose)
        others = tuple(old for old in state.remembered if old is not following)
        remembered = _least_useful_left_out((*others, state.current), pose)
        return replace(state, current=following, previous=state.current, dissolved=0, remembered=remembered)

    def _painted(self, state: KeyframeState, pose: Pose) -> Bytes:
        """The picture of a new keyframe: seen, remembered, imagined."""
        relative_pose = relative_pose_between(state.current.pose, pose)
        picture, mask = self._renderer.render_masked(state.current.layers, relative_pose)
        for old in _helpers(state.remembered, pose):
            if float(mask.min()) > _SEEN:
                return picture
            more, more_mask = self._renderer.render_masked(old.layers, relative_pose_between(old.pose, pose))
            picture = _joined(picture, mask, more)
            mask = np.maximum(mask, more_mask)
        if float(mask.min()) > _SEEN:
            return picture
        turn = turn_between(state.home_pose.yaw, pose.yaw)
        return _joined(picture, mask, self._panorama.look(state.home, state.home_pose.slope, turn, pose.slope))

    def _draw(self, keyframe: Keyframe, pose: Pose) -> Bytes:
        return self._renderer.render(keyframe.layers, relative_pose_between(keyframe.pose, pose))


def strain_between(before: Pose, after: Pose) -> float:
    """How far a pose is from a keyframe's, relative to a keyframe's reach: at most 1 within it."""
    return max(
        math.dist((before.x, before.y, before.z), (after.x, after.y, after.z)) / _REACH_M,
        abs(turn_between(before.yaw, after.yaw)) / _REACH_TURN,
        abs(after.slope - before.slope) / _REACH_SLOPE,
    )


def _helpers(remembered: tuple[Keyframe, ...], pose: Pose) -> list[Keyframe]:
    """The remembered keyframes that may show what the current one does not, the nearest first."""
    near = [
        old
        for old in remembered
        if abs(turn_between(old.pose.yaw, pose.yaw)) < _HELPFUL_TURN and _distance(old.pose, pose) < _HELPFUL_M
    ]
    return sorted(near, key=lambda old: strain_between(old.pose, pose))[:_HELPERS]


def _least_useful_left_out(keyframes: tuple[Keyframe, ...], pose: Pose) -> tuple[Keyframe, ...]:
    """At most `CAPACITY`: the farthest place is the least likely to be seen again from here; of equals the oldest."""
    if len(keyframes) <= CAPACITY:
        return keyframes
    farthest = max(range(len(keyframes) - 1), key=lambda n: (_distance(keyframes[n].pose, pose), -n))
    return keyframes[:farthest] + keyframes[farthest + 1 :]


def _joined(picture: Bytes, mask: Floats, more: Bytes) -> Bytes:
    """`picture` where the mask [h, w] is 1 and `more` where it is 0, with a soft seam inside of what is known."""
    inner = cv2.blur(cv2.erode(mask, np.ones((_SEAM, _SEAM), dtype=np.uint8)), (_SEAM, _SEAM)).astype(np.float32)
    return cv2.blendLinear(picture, more, inner, 1.0 - inner).astype(np.uint8)


def _distance(a: Pose, b: Pose) -> float:
    return math.dist((a.x, a.y, a.z), (b.x, b.y, b.z))
