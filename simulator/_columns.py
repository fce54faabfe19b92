"""Draws land, water and sky into one column of samples, front to back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from simulator._jit import inner, njit
from simulator._noise import ramp
from simulator._sky import AZIMUTHS, sky_at
from simulator._terrain import mix
from simulator.surroundings import FAR_CELL, NEAR_CELL, TEXTURE_SIDE, VIEW_DISTANCE, Ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator._solids import Column
    from simulator.world import Colour, Light

NEAREST: Final = 0.2  # m
_BLEND_FROM: Final = 38.0  # m; between these distances the fine grid blends into the coarse one
_BLEND_TO: Final = 52.0
_GRAIN: Final = 0.085  # m per cell of the ground texture
_GRAIN_REACH: Final = 42.0


class Steps(NamedTuple):
    """The distances at which every column samples the land. Float64 arrays of one length."""

    distance: NDArray[np.float64]  # m, increasing by a fixed share
    haze: NDArray[np.float64]  # share of the haze in the colour, 0 to 1
    coarse: NDArray[np.float64]  # weight of the coarse grid, 0 to 1


def make_steps(light: Light) -> Steps:
    distances = [NEAREST]
    while distances[-1] < VIEW_DISTANCE:
        distances.append(distances[-1] + max(0.12, 0.026 * distances[-1]))
    distances[-1] = VIEW_DISTANCE
    coarse = np.clip((np.array(distances) - _BLEND_FROM) / (_BLEND_TO - _BLEND_FROM), 0.0, 1.0)
    return Steps(np.array(distances), np.array([haze_at(light, distance) for distance in distances]), coarse)


@njit
def haze_at(light: Light, distance: float) -> float:
    """Share of haze in the colour at `distance` metres. It is 1 where the grids end."""
    return 1.0 - math.exp(-((distance / light.haze) ** 1.4)) * ramp(VIEW_DISTANCE, 0.72 * VIEW_DISTANCE, distance)


@inner
def _bilinear(grid: NDArray[np.float32], x: float, z: float) -> float:
    fx, fz = math.floor(x), math.floor(z)
    mask = grid.shape[0] - 1
    i0, j0 = int(fx) & mask, int(fz) & mask
    i1, j1 = (i0 + 1) & mask, (j0 + 1) & mask
    u, v = x - fx, z - fz
    a = grid[i0, j0] + u * (grid[i1, j0] - grid[i0, j0])
    b = grid[i0, j1] + u * (grid[i1, j1] - grid[i0, j1])
    return float(a + v * (b - a))


@inner
def _bilinear_colour(grid: NDArray[np.float32], x: float, z: float) -> Colour:
    fx, fz = math.floor(x), math.floor(z)
    mask = grid.shape[0] - 1
    i0, j0 = int(fx) & mask, int(fz) & mask
    i1, j1 = (i0 + 1) & mask, (j0 + 1) & mask
    u, v = x - fx, z - fz
    w00, w10, w01, w11 = (1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v
    return (
        w00 * grid[i0, j0, 0] + w10 * grid[i1, j0, 0] + w01 * grid[i0, j1, 0] + w11 * grid[i1, j1, 0],
        w00 * grid[i0, j0, 1] + w10 * grid[i1, j0, 1] + w01 * grid[i0, j1, 1] + w11 * grid[i1, j1, 1],
        w00 * grid[i0, j0, 2] + w10 * grid[i1, j0, 2] + w01 * grid[i0, j1, 2] + w11 * grid[i1, j1, 2],
    )


@njit
def land_height(ground: Ground, x: float, z: float) -> float:
    """Height of the ground near the player, as it is drawn."""
    return _bilinear(ground.near_height, x / NEAR_CELL, z / NEAR_CELL)


@inner
def draw_land(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    near_height: NDArray[np.float32],
    near_colour: NDArray[np.float32],
    far_height: NDArray[np.float32],
    far_colour: NDArray[np.float32],
    step_distance: NDArray[np.float64],
    step_haze: NDArray[np.float64],
    step_coarse: NDArray[np.float64],
    texture: NDArray[np.float32],
    eye_x: float,
    eye_y: float,
    eye_z: float,
) -> int:
    """Fill the column from the bottom, front to back. Returns the number of rows that are left for the sky.

    When a step rises above everything drawn so far, it fills the rows in between. Their distance is where the row's ray
    crosses the straight line between the last two samples of the land: the classic voxel-space march, with an exact
    crossing.
    """
    dx, dz, focal, horizon, fog = column
    top = distances.shape[0]
    last_t = 0.5 * NEAREST
    last_h = max(0.0, _bilinear(near_height, eye_x / NEAR_CELL, eye_z / NEAR_CELL)) - eye_y
    last_colour, last_k = (0.0, 0.0, 0.0), -2
    for k in range(step_distance.shape[0]):
        t = step_distance[k]
        x, z = eye_x + t * dx, eye_z + t * dz
        share = step_coarse[k]
        if share <= 0.0:
            floor = _bilinear(near_height, x / NEAR_CELL, z / NEAR_CELL)
        else:
            floor = _bilinear(far_height, x / FAR_CELL, z / FAR_CELL)
            if share < 1.0:
                near = _bilinear(near_height, x / NEAR_CELL, z / NEAR_CELL)
                floor = near + (floor - near) * share
        h = max(0.0, floor) - eye_y
        row = math.ceil(horizon - h * focal / t - 0.5)
        if row < top:
            row = max(0, row)
            if share <= 0.0:
                colour = _bilinear_colour(near_colour, x / NEAR_CELL, z / NEAR_CELL)
            else:
                colour = _bilinear_colour(far_colour, x / FAR_CELL, z / FAR_CELL)
                if share < 1.0:
                    colour = mix(_bilinear_colour(near_colour, x / NEAR_CELL, z / NEAR_CELL), colour, share)
            if last_k != k - 1:
                # The land becomes visible again behind a hill, so the segment has the same colour at both ends.
                last_colour = colour
            haze, last_haze = step_haze[k], step_haze[max(0, k - 1)]
            rise, per_metre = (h - last_h) / (t - last_t), 1.0 / (t - last_t)
            for r in range(row, top):
                s = (horizon - r - 0.5) / focal
                # The distance d at which the ray s * d meets the line last_h + rise * (d - last_t).
                hit = min(t, max(last_t, (last_h - rise * last_t) / (s - rise)))
                part = (hit - last_t) * per_metre
                air = last_haze + part * (haze - last_haze)
                mirrored, shade = 0.0, 1.0 - air
                if floor < 0.0:
                    mirrored = _mirrored(s, floor) * (1.0 - air)
                elif hit < _GRAIN_REACH:
                    i = math.floor((eye_x + hit * dx) / _GRAIN) & (TEXTURE_SIDE - 1)
                    j = math.floor((eye_z + hit * dz) / _GRAIN) & (TEXTURE_SIDE - 1)
                    shade *= 1.0 + 0.13 * (1.0 - hit / _GRAIN_REACH) * texture[i, j]
                colours[r, 0] = (last_colour[0] + (colour[0] - last_colour[0]) * part) * shade + fog[0] * air
                colours[r, 1] = (last_colour[1] + (colour[1] - last_colour[1]) * part) * shade + fog[1] * air
                colours[r, 2] = (last_colour[2] + (colour[2] - last_colour[2]) * part) * shade + fog[2] * air
                distances[r] = hit
                wet[r] = mirrored
            top = row
            if top == 0:
                break
            last_colour, last_k = colour, k
        last_t, last_h = t, h
    return top


@inner
def _mirrored(slope: float, floor: float) -> float:
    """The reflectance of water by Schlick's approximation. Shallow water at the shore stays clear."""
    grazing = 1.0 - min(1.0, abs(slope) / math.sqrt(1.0 + slope * slope))
    squared = grazing * grazing
    return (0.04 + 0.96 * squared * squared * grazing) * ramp(0.0, -0.35, floor)


@inner
def draw_sky(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    panorama: NDArray[np.float32],
    rows: int,
) -> None:
    """Fill the first `rows` rows with sky."""
    place = panorama_column(column)
    for row in range(rows):
        slope = (column.horizon - row - 0.5) / column.focal
        colour = sky_at(panorama, place, slope)
        colours[row, 0] = colour[0]
        colours[row, 1] = colour[1]
        colours[row, 2] = colour[2]
        distances[row] = np.inf
        wet[row] = 0.0


@inner
def panorama_column(column: Column) -> float:
    return math.atan2(column.direction_x, column.direction_z) * (AZIMUTHS / (2.0 * math.pi))


@inner
def mirror(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    panorama: NDArray[np.float32],
    texture: NDArray[np.float32],
    eye_x: float,
    eye_z: float,
) -> None:
    """Draw reflections: a row of water shows the row equally far above the horizon, displaced by static ripples.

    This is exact for objects far behind the water. If that row is outside the picture, or shows something in front of
    the water, the sky is reflected instead.
    """
    rows = distances.shape[0]
    place = panorama_column(column)
    mask = TEXTURE_SIDE - 1
    for row in range(rows - 1, -1, -1):
        share, t = float(wet[row]), float(distances[row])
        if share <= 0.0:
            continue
        x, z = eye_x + t * column.direction_x, eye_z + t * column.direction_z
        ripple = texture[math.floor(1.7 * x) & mask, math.floor(1.7 * z) & mask]
        ripple += 0.7 * texture[math.floor(5.3 * z) & mask, math.floor(5.3 * x) & mask]
        slope = float(row + 0.5 - column.horizon) / column.focal
        slope = abs(slope + (0.010 + 0.05 * slope) * ripple * ramp(160.0, 10.0, t))
        source = math.floor(column.horizon - slope * column.focal)
        if 0 <= source < rows and wet[source] == 0.0 and t < distances[source] < np.inf:
            seen = (
                float(colours[source, 0]),
                float(colours[source, 1]),
                float(colours[source, 2]),
            )
        else:
            seen = sky_at(panorama, place, slope)
        colours[row, 0] += (seen[0] - colours[row, 0]) * share
        colours[row, 1] += (seen[1] - colours[row, 1]) * share
        colours[row, 2] += (seen[2] - colours[row, 2]) * share
