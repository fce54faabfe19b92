"""The upright part of the proxy geometry: walls along the view, which approximate rooms, streets and woods.

Seen from a copy's home, every tile of the surroundings has a wall on either side of its axis. An open landscape has
none. A wall is described by its inverse distance from the axis (1/m); 0 means that there is no wall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.world_engine.diorama._geometry import Field, tile_angles
from services.world_engine.diorama.constants import EYE_HEIGHT, HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.world_engine import Picture

FARTHEST: Final = 60.0  # metres; where the lines of the walls meet the axis
OPEN: Final = 0.35  # a picture whose sides are closed less than this is an open landscape
_SAMPLES: Final = 720  # of the full circle
_EXPECTED: Final = 4.0  # metres from the axis, if the picture shows no clear edge
_WIDEST: Final = 8.0
_NARROWEST: Final = 2.4


@dataclass(frozen=True, slots=True)
class Walls:
    """Inverse distances (1/m) of the walls left and right of the seed's axis."""

    left: float
    right: float

    @property
    def stand(self) -> bool:
        return self.left > 0.0 or self.right > 0.0


def wall_inverse_distance(walls: Walls, azimuth: Field, *, x: float, z: float) -> Field:
    """Inverse horizontal distance (1/m) to the wall in each direction, for a player at `x`, `z` from the home.

    The outline of the walls is a curve around the home. Its points are converted to directions and distances from the
    player and interpolated, which is exact for the part that the player can see.
    """
    around = np.linspace(-math.pi, math.pi, _SAMPLES, endpoint=False, dtype=np.float32)
    inside, mirrored = tile_angles(around)
    right = (inside * np.where(mirrored, -1.0, 1.0) * np.where(around < 0.0, -1.0, 1.0)) >= 0.0
    inverse_distance = np.abs(np.sin(inside)) * np.where(right, walls.right, walls.left) + 1.0 / FARTHEST
    outline_x, outline_z = np.sin(around) / inverse_distance - x, np.cos(around) / inverse_distance - z
    directions = np.arctan2(outline_x, outline_z)
    found = np.interp(azimuth, directions, 1.0 / np.maximum(np.hypot(outline_x, outline_z), 0.5), period=2.0 * math.pi)
    return found.astype(np.float32)


def find_walls(picture: Picture, upright: Field, horizon: float) -> Walls:
    """Estimate the walls: they exist if upright objects fill the sides of the picture above its horizon.

    `upright` is 0 to 1 per cell, of any size.
    """
    rows, columns = upright.shape
    above = upright[: max(2, int(horizon / HEIGHT * rows))]
    closed = (_fill(above[:, : columns // 4]) + _fill(above[:, -(columns // 4) :])) / 2
    if closed < OPEN:
        return Walls(left=0.0, right=0.0)
    small = np.asarray(cv2.resize(picture, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA), dtype=np.float32)
    return Walls(
        left=closed / _foot_distance(small[:, ::-1], horizon / 4),
        right=closed / _foot_distance(small, horizon / 4),
    )


def _fill(side: Field) -> float:
    """How closed one side of the picture is, 0 to 1. Objects must reach its upper half to count, which hills do not."""
    whole, top = float(side.mean()), float(side[: len(side) // 2].mean())
    return min(1.0, max(0.0, (whole - 0.42) / 0.16)) * min(1.0, max(0.0, (top - 0.45) / 0.08))


def _foot_distance(small: NDArray[np.float32], horizon: float) -> float:
    """The distance of the right-hand wall from the axis (m), found as the clearest edge from the vanishing point.

    The foot of a wall at a distance of w metres descends by `EYE_HEIGHT` / w rows per column.
    """
    widths = np.linspace(_NARROWEST, _WIDEST, 29)
    columns = np.linspace(0.12, 0.48, 60)[None, :] * small.shape[1]
    middle = (small.shape[1] - 1) / 2
    colours: list[NDArray[np.float32]] = []
    for shift in (-0.07, 0.07):
        rows = horizon + columns * (EYE_HEIGHT / widths[:, None] + shift)
        across = np.broadcast_to(middle + columns, rows.shape).astype(np.float32)
        found = cv2.remap(small, across, rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        colours.append(np.asarray(found, dtype=np.float32))
    strength = np.abs(cv2.blur(colours[0] - colours[1], (9, 1))).mean(axis=(1, 2))
    expected = np.exp(-0.5 * (np.log(widths / _EXPECTED) / 0.45) ** 2)
    return float(widths[int(np.argmax((strength + 4.0) * expected))])
