"""What a walker remembers: a view to go on from, and a few more, so that what was left behind is there on return.

Were each frame made from the last one alone, resampling would blur a little more with every frame. So the frames are
made from an *anchor* while it is near, and what it does not show from the last view. Then a view is resampled once in a
metre or a sixth of a right angle, not thirty times a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.runtime import Bytes, Floats

CAPACITY: Final = 6  # views; a world's state stays under a megabyte
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


def remember(memory: Memory, view: Bytes, pose: Pose) -> Memory:
    """The memory with this view, if it shows something that no other does; the least useful one goes."""
    for old in memory:
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
    entering = pose.yaw + math.copysign(_ENTERING, turn) if abs(turn) > 1e-3 else pose.yaw

    def aside(old: Remembered) -> float:
        return _angle(old.pose.yaw - entering) + _RAD_PER_METRE * _distance(old.pose, pose)

    best = min(memory, key=aside, default=None)
    return best if best is not None and aside(best) < _HELPFUL else None


def next_anchor(anchor: Remembered, memory: Memory, view: Bytes, pose: Pose) -> Remembered:
    """What to go on from: the anchor while it is near, then a remembered view from very near here, else `view`."""
    if _strain(anchor.pose, pose) <= 1.0:
        return anchor
    nearest = min(memory, key=lambda old: _strain(old.pose, pose), default=None)
    if nearest is not None and _strain(nearest.pose, pose) <= _AS_NEAR:
        return nearest
    return Remembered(view, pose)


def anchor_strain(moves: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far moves [..., MOVES] from anchors lead, relative to an anchor's reach: [...], at most 1 within it."""
    distance = np.linalg.norm(moves[..., :3], axis=-1) / _ANCHOR_DISTANCE
    turn, slope = np.abs(moves[..., 3]) / _ANCHOR_TURN, np.abs(moves[..., 5] - moves[..., 4]) / _ANCHOR_SLOPE
    return np.maximum(distance, np.maximum(turn, slope))


def _strain(before: Pose, after: Pose) -> float:
    return float(anchor_strain(moves_between(before, after)))


def moves_between(before: Pose, after: Pose) -> Floats:
    """What leads from pose to pose, as `reproject` takes it: float32 [MOVES]."""
    dx, dy, dz = after.x - before.x, after.y - before.y, after.z - before.z
    sin, cos = math.sin(before.yaw), math.cos(before.yaw)
    turn = math.remainder(after.yaw - before.yaw, 2.0 * math.pi)
    return np.array([dx * cos - dz * sin, dy, dx * sin + dz * cos, turn, before.slope, after.slope], dtype=np.float32)


def _angle(difference: float) -> float:
    return abs(math.remainder(difference, 2.0 * math.pi))


def _distance(a: Pose, b: Pose) -> float:
    return math.dist((a.x, a.y, a.z), (b.x, b.y, b.z))
