"""Plants and rocks: which one a cell of the world has, and its position and size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._houses import HOUSE_CELL, in_house
from simulator._jit import inner
from simulator._noise import fbm2, ramp, unit
from simulator._terrain import PATH_HALF_WIDTH, height_at, path_distance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Growth, Relief

KINDS: Final = ("broadleaf", "conifer", "poplar", "acacia", "bush", "rock", "cactus")
BROADLEAF: Final = 0
CONIFER: Final = 1
POPLAR: Final = 2
ACACIA: Final = 3
BUSH: Final = 4
ROCK: Final = 5
CACTUS: Final = 6

PLANT_CELL: Final = 8.0  # m
PLANT_FIELDS: Final = 8  # kind + 1 (0: nothing), x, z, ground, height, tint, turn, trunk radius


@inner
def crown(kind: int, height: float) -> tuple[float, float, float]:
    """Radius, height of the centre and half height of a plant's crown, in metres."""
    if kind == BROADLEAF:
        return 0.34 * height, 0.66 * height, 0.32 * height
    if kind == CONIFER:
        return 0.20 * height, 0.45 * height, 0.5 * height
    if kind == POPLAR:
        return 0.15 * height, 0.57 * height, 0.43 * height
    if kind == ACACIA:
        return 0.46 * height, 0.86 * height, 0.12 * height
    if kind == BUSH:
        return 0.62 * height, 0.42 * height, 0.55 * height
    if kind == ROCK:
        return 0.7 * height, 0.2 * height, 0.6 * height
    return 0.16 * height, 0.5 * height, 0.5 * height


@inner
def _size(kind: int, draw: float) -> float:
    """Height in metres."""
    if kind == BROADLEAF:
        return 5.0 + 4.0 * draw
    if kind == CONIFER:
        return 6.0 + 6.0 * draw
    if kind == POPLAR:
        return 7.0 + 5.0 * draw
    if kind == ACACIA:
        return 4.5 + 2.5 * draw
    if kind == CACTUS:
        return 2.0 + 2.5 * draw
    return 0.7 + 1.1 * draw * draw if kind == BUSH else 0.5 + 1.9 * draw * draw * draw


@inner
def trunk_radius(kind: int, height: float) -> float:
    """The radius with which walkers collide, in metres. 0: they can walk through it."""
    if kind == BUSH:
        return 0.0
    if kind == ROCK:
        return 0.62 * height
    return 0.07 * height if kind == CACTUS else 0.035 * height + 0.04


@inner
def plant_at(
    relief: Relief, growth: Growth, houses: NDArray[np.float64], i: int, j: int, out: NDArray[np.float64]
) -> None:
    """Write the plant of cell (i, j) into `out`, [PLANT_FIELDS]. It depends only on the world and the cell.

    `houses` [n, n, HOUSE_FIELDS] holds the houses around the cell, at indices modulo n.
    """
    salt = relief.salt
    out[:] = 0.0
    x = PLANT_CELL * (i + 0.5 + 0.66 * (unit(i, j, salt + 61) - 0.5))
    z = PLANT_CELL * (j + 0.5 + 0.66 * (unit(i, j, salt + 62) - 0.5))
    wood = fbm2(x / 90.0, z / 90.0, salt + 31, 2)
    if unit(i, j, salt + 63) > 0.05 + growth.density * ramp(0.0, 0.4, wood) + 0.12 * ramp(-0.3, 0.1, wood):
        return
    ground = height_at(relief, x, z)
    if ground < 0.75 or path_distance(relief, x, z) < PATH_HALF_WIDTH + 1.6:
        return
    draw = unit(i, j, salt + 64)
    kind = 0
    while kind < CACTUS and draw >= growth.plants[kind]:
        kind += 1
    slope = math.hypot(height_at(relief, x + 1.0, z) - ground, height_at(relief, x, z + 1.0) - ground)
    if slope > (1.2 if kind == ROCK else 0.6) or ground > 62.0 + 8.0 * wood:
        return
    height = _size(kind, unit(i, j, salt + 65))
    if _near_house(houses, x, z, 1.2 + 0.5 * crown(kind, height)[0]):
        return
    out[0] = kind + 1.0
    out[1], out[2], out[3], out[4] = x, z, ground, height
    out[5], out[6] = unit(i, j, salt + 66), 2.0 * math.pi * unit(i, j, salt + 67)
    out[7] = trunk_radius(kind, height)


@inner
def _near_house(houses: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    side = houses.shape[0]
    i0, j0 = math.floor(x / HOUSE_CELL), math.floor(z / HOUSE_CELL)
    for i in range(i0 - 1, i0 + 2):
        for j in range(j0 - 1, j0 + 2):
            if in_house(houses[i & (side - 1), j & (side - 1)], x, z, margin):
                return True
    return False
