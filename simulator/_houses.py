"""Houses: whether a cell of the world has one, and its position, size and style."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._jit import inner, njit
from simulator._noise import noise2, ramp, unit
from simulator._terrain import height_at, path_distance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Growth, Relief

HOUSE_CELL: Final = 24.0  # m
# present, x, z, cos and sin of the long axis, half length, half width, floor, eaves and ridge (heights above the
# water), style draw, height of the lowest corner's ground
HOUSE_FIELDS: Final = 12


@inner
def house_at(relief: Relief, growth: Growth, i: int, j: int, out: NDArray[np.float64]) -> None:
    """Write the house of cell (i, j) into `out`, [HOUSE_FIELDS]. It depends only on the world and the cell."""
    salt = relief.salt
    out[:] = 0.0
    x = HOUSE_CELL * (i + 0.5 + 0.4 * (unit(i, j, salt + 71) - 0.5))
    z = HOUSE_CELL * (j + 0.5 + 0.4 * (unit(i, j, salt + 72) - 0.5))
    village = noise2(x / 210.0, z / 210.0, salt + 41)
    if unit(i, j, salt + 73) > growth.villages * (0.02 + 0.75 * ramp(0.12, 0.4, village)):
        return
    half_length, half_width = 3.2 + 2.4 * unit(i, j, salt + 74), 2.5 + 1.3 * unit(i, j, salt + 75)
    if path_distance(relief, x, z) < half_length + 4.0:
        return
    angle = 0.5 * math.pi * math.floor(2.0 * unit(i, j, salt + 76)) + 2.2 * noise2(x / 300.0, z / 300.0, salt + 42)
    cos, sin = math.cos(angle), math.sin(angle)
    low, high = 1e9, -1e9
    for corner in range(4):
        a = half_length if corner & 1 else -half_length
        b = half_width if corner & 2 else -half_width
        ground = height_at(relief, x + a * cos - b * sin, z + a * sin + b * cos)
        low, high = min(low, ground), max(high, ground)
    if low < 0.9 or high - low > 2.4:
        return
    floor = high - 0.15
    storeys = 1.0 + math.floor(1.6 * unit(i, j, salt + 77))
    eaves = floor + 2.7 * storeys + 0.2
    out[0] = 1.0
    out[1], out[2], out[3], out[4], out[5], out[6] = x, z, cos, sin, half_length, half_width
    out[7], out[8], out[9] = floor, eaves, eaves + half_width * (0.75 + 0.45 * unit(i, j, salt + 78))
    out[10], out[11] = unit(i, j, salt + 79), low


@njit
def in_house(house: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    """Whether a position is inside `house`, or closer than `margin` metres to its walls."""
    if house[0] == 0.0:
        return False
    dx, dz = x - house[1], z - house[2]
    along, across = dx * house[3] + dz * house[4], dz * house[3] - dx * house[4]
    return abs(along) < house[5] + margin and abs(across) < house[6] + margin
