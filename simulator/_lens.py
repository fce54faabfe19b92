"""The camera at a player's eyes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator._shapes import Camera

if TYPE_CHECKING:
    from simulator.player import PlayerState


def focal_of(columns: int, fov_deg: float) -> float:
    """In samples, for a horizontal field of view."""
    return 0.5 * columns / math.tan(0.5 * math.radians(fov_deg))


def camera_of(state: PlayerState, focal: float, rows: int, columns: int) -> Camera:
    yaw = round(state.yaw, 9)  # so that rounding errors of a full turn do not change the picture
    return Camera(
        x=state.x,
        y=state.eye,
        z=state.z,
        forward_x=math.sin(yaw),
        forward_z=math.cos(yaw),
        focal=focal,
        horizon=0.5 * rows + focal * math.tan(state.pitch),
        rows=rows,
        columns=columns,
    )
