"""What a walker remembers: a view to go on from, and a few more, so that what was left behind is there on return.

Were each frame made from the last one alone, resampling would blur a little more with every frame. So the frames are
made from an *anchor* while it is near, and what it does not show from the last view. Then a view is resampled once in a
metre or a sixth of a right angle, not thirty times a second.

What was never seen has to come from somewhere, too. A landscape goes on much as it begins, so what comes in at a side
is *imagined* first: the picture that the world began with, side by side with its mirror images all around, which join
each other without a seam (but for the one behind the back of who started there). Whoever walks away from this *home*
takes it along: the world begins anew around them before too much of it is made up of what was made up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.runtime import Bytes, Floats

CAPACITY: Final = 5  # views besides home; a world's state stays under a megabyte
# A look so far from every remembered one is remembered. A little under a sixth of a turn: six views close the circle,
# and the first is still there when it comes into view again.
_NEW_ANGLE: Final = math.radians(58.0)
_NEW_DISTANCE: Final = 1.5  # m
_ANCHOR_TURN: Final = math.radians(18.0)  # the reach of an anchor
_ANCHOR_SLOPE: Final = 0.2
_ANCHOR_DISTANCE: Final = 0.8  # m
_HELPFUL: Final = math.radians(60.0)  # a remembered view that looks farther aside shows nothing of what comes in
_RAD_PER_METRE: Final = 0.12  # how much a metre away counts against a view
_AS_NEAR: Final = 0.5  # strain up to which a remembered view becomes the anchor again
_STILL: Final = 1e-3  # rad or m in a frame; a smaller turn or step aside brings nothing into view
_HOME_REACH: Final = 15.0  # m
_ENTERING: Final = math.radians(30.0)  # from the middle of the view to what comes in when turning


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a view is seen from: metres, radians to the right, and the tangent of looking up."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    slope: float = 0.0


@dataclass(frozen=True, slots=True)
class Remembered:
    view: Bytes  # [4, h, w]; never written again
    pose: Pose


Memory = tuple[Remembered, ...]  # oldest first


def remember(home: Remembered, memory: Memory, view: Bytes, pose: Pose) -> Memory:
    """The memory with this view, if it shows something that home and no other does; the least useful one goes."""
    for old in (home, *memory):
        if _angle(old.pose.yaw - pose.yaw) < _NEW_ANGLE and _distance(old.pose, pose) < _NEW_DISTANCE:
            return memory
    grown = (*memory, Remembered(view, pose))
    if len(grown) <= CAPACITY:
        return grown
    # The farthest place is the least likely to be seen again from here; of equals the oldest goes.
    farthest = max(range(len(grown) - 1), key=lambda n: (_distance(grown[n].pose, pose), -n))
    return grown[:farthest] + grown[farthest + 1 :]


def recall(memory: Memory, pose: Pose, turn: float) -> Remembered | None:
    """The remembered view that shows most of what comes into view when turning by `turn`, if any shows something."""
    entering = pose.yaw + math.copysign(_ENTERING, turn) if abs(turn) > _STILL else pose.yaw

    def aside(old: Remembered) -> float:
        return _angle(old.pose.yaw - entering) + _RAD_PER_METRE * _distance(old.pose, pose)

    best = min(memory, key=aside, default=None)
    return best if best is not None and aside(best) < _HELPFUL else None


def imagine(home: Remembered, pose: Pose, aside: float, fov: float) -> Remembered | None:
    """What may be seen on the side that `aside` has the sign of, if nobody remembers it; `fov` is of a view's width.

    None: nothing comes into view there.
    """
    if abs(aside) < _STILL:
        return None
    return around(home, pose.yaw + math.copysign(_ENTERING, aside), fov)


def around(home: Remembered, yaw: float, fov: float) -> Remembered:
    """Home, or that of the images around it which shows most of what lies in a direction."""
    tile = round(math.remainder(yaw - home.pose.yaw, 2.0 * math.pi) / fov)
    if tile == 0:
        return home
    view = np.ascontiguousarray(home.view[:, :, ::-1]) if tile % 2 else home.view
    yaw = math.remainder(home.pose.yaw + tile * fov, 2.0 * math.pi)
    return Remembered(view, replace(home.pose, yaw=yaw))


def has_left(home: Remembered, pose: Pose) -> bool:
    """Whether the walker is so far from home that there is more made up than seen."""
    return _distance(home.pose, pose) > _HOME_REACH


def taken_along(home: Remembered, pose: Pose) -> Remembered:
    """Home, around the walker: what is far stays in its direction."""
    return Remembered(home.view, replace(pose, yaw=home.pose.yaw, slope=home.pose.slope))


def next_anchor(anchor: Remembered, memory: Memory, view: Bytes, pose: Pose) -> Remembered:
    """What to go on from: the anchor while it is near, then a remembered view from very near here, else `view`."""
    if _strain(anchor.pose, pose) <= 1.0:
        return anchor
    nearest = min(memory, key=lambda old: _strain(old.pose, pose), default=None)
    if nearest is not None and _strain(nearest.pose, pose) <= _AS_NEAR:
        return nearest
    return Remembered(view, pose)


def anchor_strain(relative_poses: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far poses relative to their anchors, [..., RELATIVE_POSE_DIM], are from them, in reaches of an anchor: [...],
    at most 1 within it."""
    distance = np.linalg.norm(relative_poses[..., :3], axis=-1) / _ANCHOR_DISTANCE
    turn = np.abs(relative_poses[..., 3]) / _ANCHOR_TURN
    slope = np.abs(relative_poses[..., 5] - relative_poses[..., 4]) / _ANCHOR_SLOPE
    return np.maximum(distance, np.maximum(turn, slope))


def _strain(before: Pose, after: Pose) -> float:
    return float(anchor_strain(relative_pose_between(before, after)))


def relative_pose_between(before: Pose, after: Pose) -> Floats:
    """The pose `after` as seen from `before`, as `reproject` takes it: float32 [RELATIVE_POSE_DIM]."""
    dx, dy, dz = after.x - before.x, after.y - before.y, after.z - before.z
    sin, cos = math.sin(before.yaw), math.cos(before.yaw)
    turn = math.remainder(after.yaw - before.yaw, 2.0 * math.pi)
    return np.array([dx * cos - dz * sin, dy, dx * sin + dz * cos, turn, before.slope, after.slope], dtype=np.float32)


def _angle(difference: float) -> float:
    return abs(math.remainder(difference, 2.0 * math.pi))


def _distance(a: Pose, b: Pose) -> float:
    return math.dist((a.x, a.y, a.z), (b.x, b.y, b.z))
