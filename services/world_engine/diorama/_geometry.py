"""Inverse mapping on a coarse grid: which points of the atlas a player sees from a position and a view direction.

The proxy geometry is a flat ground between walls that fade into a relief of finite distance (Horry, Anjyo, Arai,
"Tour Into the Picture", SIGGRAPH 1997). Axes: x right, y up, z ahead. The seed is taken to be a photograph along z from
`EYE_HEIGHT` above the origin, with its horizon at the row `horizon`. All arrays of a call are float32 of one shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, HALF_FOV, HEIGHT, WIDTH

Field: TypeAlias = NDArray[np.floating]

CELL: Final = 16  # pixels between grid points of a frame of WIDTH by HEIGHT
TILES_AROUND: Final = 3  # mirrored copies that fill the directions outside the seed
TILE_ANGLE: Final = (2.0 * math.pi - 2.0 * HALF_FOV) / TILES_AROUND

SKY_ROWS: Final = 256  # of the atlas above the seed
SOIL_ROWS: Final = 304  # of the atlas below the seed
# The rows next to the seed, of the two counts above, are not squeezed. Otherwise the grid would blur the seed's edge.
PLAIN_ROWS: Final = CELL

# Inverse distances (1/m) between which ground and walls fade into the backdrop.
NEAR_FROM: Final = 1.0 / 24.0
NEAR_FULL: Final = 1.0 / 7.0


@dataclass(frozen=True, slots=True)
class Rays:
    """Directions, one per grid point; not of unit length."""

    x: Field
    y: Field
    z: Field


def screen_grid(width: int, height: int, cell: int) -> tuple[Field, Field]:
    """Columns [1, w] and rows [h, 1] of the grid points of a frame, in pixels of a frame of WIDTH by HEIGHT.

    The grid has a point every `cell` pixels of the frame and extends one cell beyond it on every side. The points are
    offset by half a cell, because `cv2.resize` puts samples at cell centres. So enlarging by `cell` and cropping one
    cell gives every pixel its exact linear interpolation.
    """
    columns = (np.arange(-1, -(-width // cell) + 1, dtype=np.float32) + 0.5) * (cell * WIDTH / width) - 0.5
    rows = (np.arange(-1, -(-height // cell) + 1, dtype=np.float32) + 0.5) * (cell * HEIGHT / height) - 0.5
    return columns[None, :], rows[:, None]


def view_rays(columns: Field, rows: Field, *, horizon: float, yaw: float, pitch: float) -> Rays:
    """The rays through grid points, for a view turned by `yaw` (to the right) and `pitch` (upwards)."""
    x = (columns - (WIDTH - 1) / 2) / np.float32(FOCAL) + 0.0 * rows
    up = (np.float32(horizon) - rows) / np.float32(FOCAL) + 0.0 * columns
    sin_p, cos_p = np.float32(math.sin(pitch)), np.float32(math.cos(pitch))
    sin_y, cos_y = np.float32(math.sin(yaw)), np.float32(math.cos(yaw))
    y = up * cos_p + sin_p
    ahead = cos_p - up * sin_p
    return Rays(x * cos_y + ahead * sin_y, y, ahead * cos_y - x * sin_y)


def atlas_angles(rays: Rays, *, near_azimuth: float) -> tuple[Field, Field]:
    """Azimuth (rad, continuous around `near_azimuth`) and slope (height over distance) of each ray."""
    sin_a, cos_a = np.float32(math.sin(near_azimuth)), np.float32(math.cos(near_azimuth))
    aside = rays.x * cos_a - rays.z * sin_a
    ahead = rays.x * sin_a + rays.z * cos_a
    return np.arctan2(aside, ahead) + np.float32(near_azimuth), rays.y / np.hypot(aside, ahead)


def atlas_points(azimuth: Field, slope: Field, *, horizon: float) -> tuple[Field, Field]:
    """Map directions to atlas points: u in pixels right of the seed's centre, v in pixels below the seed's top.

    Inside the seed's field of view this is the seed's own perspective, so the seed appears undistorted.
    """
    turn = np.abs(azimuth)
    inside, tile = _tiles(turn)
    u = np.copysign(tile * WIDTH + np.tan(inside) * np.float32(FOCAL), azimuth)
    v = np.float32(horizon) - slope * np.float32(FOCAL) / np.cos(_keep_plane(inside, turn - np.float32(HALF_FOV)))
    return u, _squeeze_rows(v)


def near_rays(rays: Rays, wall_inverse_distance: Field, *, x: float, z: float, eye: float) -> tuple[Rays, Field]:
    """The rays along which the seed's camera saw the ground or wall points that `rays` hit, and their weight (0 to 1).

    `wall_inverse_distance` is horizontal, in 1/m, of the wall along each ray from the player at `x`, `z`.
    """
    length = np.hypot(rays.x, rays.z)
    ground_inverse_distance = -rays.y / (length * np.float32(eye))
    inverse_distance = np.maximum(ground_inverse_distance, wall_inverse_distance)
    scale = inverse_distance * length  # the hit point times `scale` stays finite at the horizon
    met = Rays(
        rays.x + scale * np.float32(x), rays.y + scale * np.float32(eye - EYE_HEIGHT), rays.z + scale * np.float32(z)
    )
    share = np.clip((inverse_distance - np.float32(NEAR_FROM)) / np.float32(NEAR_FULL - NEAR_FROM), 0.0, 1.0)
    return met, share * share * (3.0 - 2.0 * share)


def blend_rays(far: Rays, near: Rays, share: Field) -> Rays:
    """Interpolate from `far` to `near` by `share` (0 to 1). The rays have about the same length."""
    return Rays(far.x + share * (near.x - far.x), far.y + share * (near.y - far.y), far.z + share * (near.z - far.z))


def tile_angles(azimuth: Field) -> tuple[Field, NDArray[np.bool_]]:
    """The angle from the axis of the tile that each azimuth falls into, and whether that tile is a mirror image."""
    inside, tile = _tiles(np.abs(azimuth))
    return inside, np.mod(tile, 2.0) == 1.0


def _tiles(turn: Field) -> tuple[Field, Field]:
    """For angles from the seed's axis: the angle within the tile, -HALF_FOV to HALF_FOV, and the tile's number."""
    beyond = np.maximum(turn - np.float32(HALF_FOV), 0.0) / np.float32(TILE_ANGLE)
    tile = np.floor(beyond)
    inside = np.where(beyond > 0.0, _tile_angle(beyond - tile), turn)
    return inside, tile + (beyond > 0.0)


def unsqueeze(rows: Field, limit: int) -> Field:
    """Map rows beyond the seed's edge in the atlas (less than `limit`) to rows in the seed's own perspective."""
    reach = np.float32(limit - PLAIN_ROWS)
    squeezed = np.maximum(rows - PLAIN_ROWS, 0.0)
    return np.minimum(rows, PLAIN_ROWS) - reach * np.log1p(-squeezed / reach)


def _tile_angle(share: Field) -> Field:
    """Map the position in a mirrored tile (0 to 1) to the angle within the seed, -HALF_FOV to HALF_FOV.

    A tile is a little wider than the seed. A cubic spreads the difference, so that the scale is continuous where tiles
    meet.
    """
    bend = np.float32(TILE_ANGLE / (2.0 * HALF_FOV) - 1.0)
    share = share + bend * share * (1.0 - share) * (1.0 - 2.0 * share)
    return np.float32(2.0 * HALF_FOV) * share - np.float32(HALF_FOV)


def _keep_plane(inside: Field, beyond: Field) -> Field:
    """The angle in the seed's plane. It continues a little past the seed's edge before it turns back.

    Otherwise the fold between the seed and the first tile would fall into the grid cell of the seed's edge and blur it.
    """
    fade = np.clip((np.float32(0.1) - beyond) / np.float32(0.08), 0.0, 1.0) * (beyond > 0.0)
    return np.abs(inside) + 2.0 * beyond * fade


def _squeeze_rows(v: Field) -> Field:
    """Compress the rows outside the seed, so that they approach the edge of the atlas but never leave it."""
    above = np.maximum(-v - PLAIN_ROWS, 0.0)
    below = np.maximum(v - np.float32(HEIGHT - 1 + PLAIN_ROWS), 0.0)
    sky, soil = np.float32(SKY_ROWS - PLAIN_ROWS), np.float32(SOIL_ROWS - PLAIN_ROWS)
    return v + above - sky * (1.0 - np.exp(-above / sky)) - below + soil * (1.0 - np.exp(-below / soil))
