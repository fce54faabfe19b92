"""Where somebody stands and looks, and where that is as seen from elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from world_model.runtime import Floats


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a view is seen from: metres, radians to the right, and the tangent of looking up."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    slope: float = 0.0


def relative_pose_between(before: Pose, after: Pose) -> Floats:
    """The pose `after` as seen from `before`: float32 [RELATIVE_POSE_DIM]."""
    dx, dy, dz = after.x - before.x, after.y - before.y, after.z - before.z
    sin, cos = math.sin(before.yaw), math.cos(before.yaw)
    turn = math.remainder(after.yaw - before.yaw, 2.0 * math.pi)
    return np.array([dx * cos - dz * sin, dy, dx * sin + dz * cos, turn, before.slope, after.slope], dtype=np.float32)
