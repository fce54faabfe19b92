"""The light on a block of ground: sun and sky, with the shadows of plants and houses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._houses import HOUSE_CELL
from simulator._jit import inner
from simulator._noise import ramp
from simulator._plants import PLANT_CELL, crown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Light

SHADOW_REACH: Final = 30.0  # m; the length of the longest shadow


@inner
def cast_shadows(
    light: Light,
    plants: NDArray[np.float64],
    houses: NDArray[np.float64],
    x0: float,
    z0: float,
    cell: float,
    sun: NDArray[np.float64],
    sky: NDArray[np.float64],
) -> None:
    """Fill `sun` and `sky`, [side, side], with the shares of light that reach the cells of the block at (x0, z0).

    Objects are visited in the order of the world's cells, so that a position gets the same bits in any block.
    """
    sun[:] = 1.0
    sky[:] = 1.0
    extent = cell * sun.shape[0]
    _visit_plants(light, plants, x0, z0, extent, cell, sun, sky)
    side = houses.shape[0] - 1
    low_i, high_i = math.floor((x0 - SHADOW_REACH) / HOUSE_CELL), math.floor((x0 + extent + SHADOW_REACH) / HOUSE_CELL)
    low_j, high_j = math.floor((z0 - SHADOW_REACH) / HOUSE_CELL), math.floor((z0 + extent + SHADOW_REACH) / HOUSE_CELL)
    for i in range(int(low_i), int(high_i) + 1):
        for j in range(int(low_j), int(high_j) + 1):
            house = houses[i & side, j & side]
            if house[0] != 0.0:
                _house_shadow(light, house, x0, z0, cell, sun, sky)


@inner
def _visit_plants(
    light: Light,
    plants: NDArray[np.float64],
    x0: float,
    z0: float,
    extent: float,
    cell: float,
    sun: NDArray[np.float64],
    sky: NDArray[np.float64],
) -> None:
    side = plants.shape[0] - 1
    low_i, high_i = math.floor((x0 - SHADOW_REACH) / PLANT_CELL), math.floor((x0 + extent + SHADOW_REACH) / PLANT_CELL)
    low_j, high_j = math.floor((z0 - SHADOW_REACH) / PLANT_CELL), math.floor((z0 + extent + SHADOW_REACH) / PLANT_CELL)
    flat = math.hypot(light.sun_x, light.sun_z)
    away_x, away_z = -light.sun_x / flat, -light.sun_z / flat
    for i in range(int(low_i), int(high_i) + 1):
        for j in range(int(low_j), int(high_j) + 1):
            plant = plants[i & side, j & side]
            if plant[0] == 0.0:
                continue
            radius, middle, half = crown(int(plant[0]) - 1, plant[4])
            run = min(light.shadow_run * middle, SHADOW_REACH - 12.0)
            long = min(math.hypot(radius, light.shadow_run * half), 12.0)
            x, z = plant[1] + run * away_x, plant[2] + run * away_z
            _blob(sun, x0, z0, cell, x, z, away_x, away_z, max(long, cell), max(radius, 0.7 * cell), 0.85)
            _blob(sky, x0, z0, cell, plant[1], plant[2], 1.0, 0.0, 1.3 * radius, 1.3 * radius, 0.3)


@inner
def _blob(
    shares: NDArray[np.float64],
    x0: float,
    z0: float,
    cell: float,
    x: float,
    z: float,
    along_x: float,
    along_z: float,
    long: float,
    short: float,
    depth: float,
) -> None:
    """Darken a soft ellipse around (x, z). Its long half axis points along the unit vector `along`."""
    reach = 1.25 * max(long, short)
    side = shares.shape[0]
    for i in range(max(0, int((x - reach - x0) / cell)), min(side, int((x + reach - x0) / cell) + 2)):
        for j in range(max(0, int((z - reach - z0) / cell)), min(side, int((z + reach - z0) / cell) + 2)):
            dx, dz = x0 + cell * i - x, z0 + cell * j - z
            q = math.hypot((dx * along_x + dz * along_z) / long, (dz * along_x - dx * along_z) / short)
            if q < 1.25:
                shares[i, j] *= 1.0 - depth * ramp(1.25, 0.65, q)


@inner
def _house_shadow(
    light: Light,
    house: NDArray[np.float64],
    x0: float,
    z0: float,
    cell: float,
    sun: NDArray[np.float64],
    sky: NDArray[np.float64],
) -> None:
    """Cast the shadow of a house by following the line from each cell to the sun, in the house's axes.

    The house counts as a box up to half the height of its roof.
    """
    side = sun.shape[0]
    top = 0.5 * (house[8] + house[9]) - house[7]
    flat = math.hypot(light.sun_x, light.sun_z)
    sun_a = (light.sun_x * house[3] + light.sun_z * house[4]) / flat
    sun_b = (light.sun_z * house[3] - light.sun_x * house[4]) / flat
    for i in range(side):
        for j in range(side):
            dx, dz = x0 + cell * i - house[1], z0 + cell * j - house[2]
            a, b = dx * house[3] + dz * house[4], dz * house[3] - dx * house[4]
            if max(abs(a), abs(b)) > SHADOW_REACH:
                continue
            gap = math.hypot(max(0.0, abs(a) - house[5]), max(0.0, abs(b) - house[6]))
            sky[i, j] *= 1.0 - 0.4 * ramp(1.8, 0.0, gap)
            near_a, far_a = _crossing(a, sun_a, house[5] + 0.3)
            near_b, far_b = _crossing(b, sun_b, house[6] + 0.3)
            enter = max(0.0, near_a, near_b)
            if enter < min(far_a, far_b):
                sun[i, j] *= 1.0 - 0.85 * ramp(0.0, 0.8, top * light.shadow_run - enter)


@inner
def _crossing(start: float, speed: float, half: float) -> tuple[float, float]:
    """The values of t at which start + t * speed enters and leaves [-half, half]."""
    if abs(speed) < 1e-9:
        return (-1e9, 1e9) if abs(start) < half else (1e9, -1e9)
    a, b = (-half - start) / speed, (half - start) / speed
    return min(a, b), max(a, b)
