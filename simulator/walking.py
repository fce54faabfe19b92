"""Walking: collisions with walls, trunks, steep ground and deep water, and the search for a free spot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._columns import land_height
from simulator._houses import HOUSE_CELL, in_house
from simulator._jit import inner, njit
from simulator._plants import PLANT_CELL
from simulator._terrain import height_at

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from simulator.surroundings import Ground, Surroundings

BODY: Final = 0.32  # m, radius
WADING_DEPTH: Final = 1.1  # m
STEEPEST: Final = 1.25  # the steepest slope that can be climbed, in metres of rise per metre forward
_SEARCH_RINGS: Final = 160


@njit
def climb(ground: Ground, x: float, z: float) -> float:
    """Height at which a walker's feet stand, which may be the floor of shallow water."""
    return land_height(ground, x, z)


@inner
def _house_around(houses: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    side = houses.shape[0] - 1
    i0, j0 = math.floor(x / HOUSE_CELL), math.floor(z / HOUSE_CELL)
    for i in range(i0 - 1, i0 + 2):
        for j in range(j0 - 1, j0 + 2):
            if in_house(houses[i & side, j & side], x, z, margin):
                return True
    return False


@inner
def _trunk_around(plants: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    side = plants.shape[0] - 1
    i0, j0 = math.floor(x / PLANT_CELL), math.floor(z / PLANT_CELL)
    for i in range(i0 - 1, i0 + 2):
        for j in range(j0 - 1, j0 + 2):
            plant = plants[i & side, j & side]
            if plant[0] != 0.0 and plant[7] > 0.0 and math.hypot(x - plant[1], z - plant[2]) < plant[7] + margin:
                return True
    return False


@njit
def is_clear(ground: Ground, x: float, z: float) -> bool:
    """Whether a walker's body fits at the position and the water is not too deep."""
    if land_height(ground, x, z) < -WADING_DEPTH or _house_around(ground.houses, x, z, BODY):
        return False
    return not _trunk_around(ground.plants, x, z, BODY)


@inner
def _may_enter(ground: Ground, x: float, z: float, to_x: float, to_z: float, feet: float) -> bool:
    """Whether a step leads to a free position without climbing too steeply. Going down is always allowed."""
    if not is_clear(ground, to_x, to_z):
        return False
    rise = land_height(ground, to_x, to_z) - max(feet, land_height(ground, x, z))
    return rise <= STEEPEST * math.hypot(to_x - x, to_z - z) + 1e-9


@njit
def walk(ground: Ground, x: float, z: float, dx: float, dz: float, feet: float) -> tuple[float, float, float]:
    """Make the step of one frame, sliding along obstacles. Returns the new position and the height of its ground.

    If the straight step is blocked, steps to both sides are tried, each turned further and shorter than the one before.
    If all are blocked, no step is made.
    """
    if dx == 0.0 and dz == 0.0:
        return x, z, land_height(ground, x, z)
    if _may_enter(ground, x, z, x + dx, z + dz, feet):
        return x + dx, z + dz, land_height(ground, x + dx, z + dz)
    for step in range(1, 9):
        angle = step * (0.48 * math.pi / 8.0)
        cos, sin = math.cos(angle), math.sin(angle)
        for sign in (1.0, -1.0):
            to_x = x + cos * (dx * cos - sign * dz * sin)
            to_z = z + cos * (dz * cos + sign * dx * sin)
            if _may_enter(ground, x, z, to_x, to_z, feet):
                return to_x, to_z, land_height(ground, to_x, to_z)
    return x, z, land_height(ground, x, z)


def slide(is_free: Callable[[float, float], bool], x: float, z: float, dx: float, dz: float) -> tuple[float, float]:
    """The position after the step of one frame on a level floor, sliding along obstacles as `walk` does."""
    for step in range(9):
        angle = step * (0.48 * math.pi / 8.0)
        for sign in (1.0, -1.0):
            cos, sin = math.cos(angle), sign * math.sin(angle)
            to_x, to_z = x + cos * (dx * cos - dz * sin), z + cos * (dz * cos + dx * sin)
            if is_free(to_x, to_z):
                return to_x, to_z
    return x, z


def find_clear_spot(around: Surroundings, near_x: float, near_z: float) -> tuple[float, float]:
    """The first free, level and dry position on a spiral around a point. If there is none, the point itself."""
    relief = around.world.relief
    for ring in range(_SEARCH_RINGS):
        for turn in range(8):
            angle = 2.0 * math.pi * turn / 8.0 + 0.7 * ring
            x, z = near_x + 5.0 * ring * math.cos(angle), near_z + 5.0 * ring * math.sin(angle)
            here = height_at(relief, x, z)
            steep = max(
                abs(height_at(relief, x + 3.0 * i, z + 3.0 * j) - here) for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))
            )
            if here < 1.2 or steep > 1.0:
                continue
            around.follow(x, z)
            if is_clear(around.ground, x, z):
                return x, z
    return near_x, near_z


def open_direction(around: Surroundings, x: float, z: float) -> float:
    """The yaw with the widest view, among sixteen. Falling land and water count in favour, close obstacles against."""
    relief, ground = around.world.relief, around.ground
    here = height_at(relief, x, z)

    def openness(yaw: float) -> float:
        score = 0.0
        for distance in (4.0, 8.0, 14.0, 22.0, 35.0, 55.0, 85.0, 130.0, 200.0):
            to_x, to_z = x + distance * math.sin(yaw), z + distance * math.cos(yaw)
            height = height_at(relief, to_x, to_z)
            score += min(1.0, max(-2.0, (here + 1.5 - max(0.0, height)) / (0.05 * distance + 1.0)))
            score += 0.5 if height < 0.0 and distance > 10.0 else 0.0
            score -= 4.0 if distance < 20.0 and not is_clear(ground, to_x, to_z) and height > 0.0 else 0.0
        return score

    yaws = [2.0 * math.pi * turn / 16.0 for turn in range(16)]
    return math.remainder(max(yaws, key=openness), 2.0 * math.pi)
