"""Represents the plants and houses near a camera by simple shapes: ellipsoids, cones, posts and houses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from simulator._houses import HOUSE_CELL
from simulator._jit import inner, njit
from simulator._noise import ramp, unit
from simulator._plants import (
    ACACIA,
    BUSH,
    CACTUS,
    CONIFER,
    PLANT_CELL,
    POPLAR,
    ROCK,
)
from simulator._terrain import mix
from simulator.surroundings import VIEW_DISTANCE, Ground

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Colour, Paint

LEAVES: Final = 0  # ellipsoid with a ragged rim
CONE: Final = 1
POST: Final = 2  # upright cylinder
STONE: Final = 3  # smooth ellipsoid
HOUSE: Final = 4

# type; x, y, z from the eye to the centre (for a cone or post: to its base); radius; half height (for a cone or post:
# height); red, green, blue; ragged share of the radius; noise offset; snow; distance; row and column of a house
SHAPE_FIELDS: Final = 15
MOST_SHAPES: Final = 8192


class Camera(NamedTuple):
    """A pinhole camera whose picture plane stays vertical.

    Looking up or down only shifts the horizon, so each column of the picture is a vertical plane of the world. Rows,
    columns and `focal` are in samples.
    """

    x: float
    y: float
    z: float
    forward_x: float
    forward_z: float
    focal: float
    horizon: float
    rows: int
    columns: int


@njit
def gather(ground: Ground, paint: Paint, camera: Camera, shapes: NDArray[np.float64]) -> int:
    """Write the shapes that may be visible into `shapes`, [MOST_SHAPES, SHAPE_FIELDS]. Returns their number."""
    count = 0
    side = ground.houses.shape[0] - 1
    reach = int(VIEW_DISTANCE / HOUSE_CELL) + 1
    i0, j0 = math.floor(camera.x / HOUSE_CELL), math.floor(camera.z / HOUSE_CELL)
    for i in range(i0 - reach, i0 + reach + 1):
        for j in range(j0 - reach, j0 + reach + 1):
            house = ground.houses[i & side, j & side]
            if house[0] != 0.0 and _in_view(camera, house[1] - camera.x, house[2] - camera.z, 8.0) < VIEW_DISTANCE:
                count = _add_house(house, i & side, j & side, paint, camera, shapes, count)
    side = ground.plants.shape[0] - 1
    reach = int(VIEW_DISTANCE / PLANT_CELL) + 1
    i0, j0 = math.floor(camera.x / PLANT_CELL), math.floor(camera.z / PLANT_CELL)
    for i in range(i0 - reach, i0 + reach + 1):
        for j in range(j0 - reach, j0 + reach + 1):
            plant = ground.plants[i & side, j & side]
            if plant[0] == 0.0:
                continue
            distance = _in_view(camera, plant[1] - camera.x, plant[2] - camera.z, 0.7 * plant[4])
            if distance < VIEW_DISTANCE and count < MOST_SHAPES - 8:
                count = _add_plant(plant, distance, paint, camera, shapes, count)
    return count


@inner
def _in_view(camera: Camera, dx: float, dz: float, radius: float) -> float:
    """The distance to a disc if it reaches into the field of view, else a huge number."""
    ahead = dx * camera.forward_x + dz * camera.forward_z
    aside = dx * camera.forward_z - dz * camera.forward_x
    wide = 0.5 * camera.columns / camera.focal
    if ahead < -radius or abs(aside) > wide * ahead + radius * math.sqrt(1.0 + wide * wide):
        return 1e30
    return math.hypot(dx, dz)


@inner
def _put(
    shapes: NDArray[np.float64],
    count: int,
    kind: int,
    x: float,
    y: float,
    z: float,
    radius: float,
    height: float,
    colour: Colour,
    ragged: float,
    offset: float,
    snow: float,
) -> int:
    shape = shapes[count]
    shape[0], shape[1], shape[2], shape[3], shape[4], shape[5] = kind, x, y, z, radius, height
    shape[6], shape[7], shape[8] = colour
    shape[9], shape[10], shape[11], shape[12] = ragged, offset, snow, math.hypot(x, z)
    return count + 1


@inner
def _add_house(
    house: NDArray[np.float64], i: int, j: int, paint: Paint, camera: Camera, shapes: NDArray[np.float64], count: int
) -> int:
    x, z = house[1] - camera.x, house[2] - camera.z
    around = math.hypot(house[5], house[6]) + 0.7
    count = _put(shapes, count, HOUSE, x, house[7] - camera.y, z, around, 0.0, paint.stone, 0.0, 0.0, 0.0)
    shapes[count - 1, 13], shapes[count - 1, 14] = i, j
    along = 0.45 * house[5]
    x, z = x + along * house[3], z + along * house[4]
    base = house[9] - 0.9 - camera.y
    return _put(shapes, count, POST, x, base, z, 0.32, 1.5, paint.stone, 0.0, 0.0, 0.0)


@inner
def _add_plant(
    plant: NDArray[np.float64], distance: float, paint: Paint, camera: Camera, shapes: NDArray[np.float64], count: int
) -> int:
    """Add the shapes of a plant.

    With growing distance it shrinks into the ground, where the haze is thick, so that it does not appear suddenly when
    the player approaches. Its side branches shrink earlier.
    """
    kind, tint, turn = int(plant[0]) - 1, plant[5], plant[6]
    height = plant[4] * ramp(VIEW_DISTANCE, 0.85 * VIEW_DISTANCE, distance)
    detail = ramp(170.0, 110.0, distance)
    x, y, z = plant[1] - camera.x, plant[3] - camera.y, plant[2] - camera.z
    leaf = mix(paint.leaf_a, paint.leaf_b, ramp(0.3, 0.7, tint))
    leaf = mix(leaf, paint.leaf_c, ramp(0.78, 0.84, unit(int(1e6 * tint), 5, 7)))
    shade = 0.85 + 0.3 * unit(int(1e6 * tint), 3, 7)
    leaf = (leaf[0] * shade, leaf[1] * shade, leaf[2] * shade)
    snow, offset = paint.snow_on_leaves, 31.0 * tint
    sin, cos = math.sin(turn), math.cos(turn)
    if kind == ROCK:
        count = _put(
            shapes, count, STONE, x, y + 0.1 * height, z, 0.72 * height, 0.62 * height, paint.stone, 0.0, offset, snow
        )
        x, z = x + 0.6 * height * cos, z + 0.6 * height * sin
        return _put(shapes, count, STONE, x, y, z, 0.45 * height, 0.42 * height, paint.stone, 0.0, offset + 3.0, snow)
    if kind == BUSH:
        count = _put(
            shapes, count, LEAVES, x, y + 0.4 * height, z, 0.6 * height, 0.55 * height, leaf, 0.35, offset, snow
        )
        x, z = x + 0.5 * height * cos, z + 0.5 * height * sin
        return _put(
            shapes, count, LEAVES, x, y + 0.3 * height, z, 0.42 * height, 0.4 * height, leaf, 0.35, offset + 9.0, snow
        )
    if kind == CACTUS:
        return _add_cactus(shapes, count, x, y, z, height, sin, cos, leaf, offset)
    crown_base = 0.95 * height if kind == ACACIA else 0.5 * height
    count = _put(shapes, count, POST, x, y - 0.3, z, 0.028 * height + 0.05, crown_base, paint.bark, 0.0, offset, 0.0)
    if kind == CONIFER:
        for tier in range(3):
            low, top = (0.14 + 0.23 * tier) * height, (0.62 + 0.19 * tier) * height
            radius = (0.235 - 0.055 * tier) * height
            count = _put(shapes, count, CONE, x, y + low, z, radius, top - low, leaf, 0.3, offset + 5.0 * tier, snow)
        return count
    if kind == POPLAR:
        return _put(
            shapes, count, LEAVES, x, y + 0.56 * height, z, 0.17 * height, 0.45 * height, leaf, 0.3, offset, snow
        )
    if kind == ACACIA:
        count = _put(
            shapes, count, LEAVES, x, y + 0.9 * height, z, 0.46 * height, 0.11 * height, leaf, 0.4, offset, snow
        )
        x, z = x + 0.3 * height * cos, z + 0.3 * height * sin
        return _put(
            shapes,
            count,
            LEAVES,
            x,
            y + 0.74 * height,
            z,
            0.28 * height * detail + 0.01,
            0.08 * height,
            leaf,
            0.4,
            offset + 4.0,
            snow,
        )
    return _add_broadleaf(shapes, count, x, y, z, height, sin, cos, leaf, offset, snow, detail)


@inner
def _add_broadleaf(
    shapes: NDArray[np.float64],
    count: int,
    x: float,
    y: float,
    z: float,
    height: float,
    sin: float,
    cos: float,
    leaf: Colour,
    offset: float,
    snow: float,
    detail: float,
) -> int:
    main = (0.31 + 0.04 * (1.0 - detail)) * height
    count = _put(shapes, count, LEAVES, x, y + 0.69 * height, z, main, 0.31 * height, leaf, 0.34, offset, snow)
    if detail > 0.0:
        lobe = 0.24 * height * detail
        out = 0.22 * height
        count = _put(
            shapes,
            count,
            LEAVES,
            x + out * cos,
            y + 0.52 * height,
            z + out * sin,
            lobe,
            0.85 * lobe,
            leaf,
            0.34,
            offset + 7.0,
            snow,
        )
        # More than a quarter turn from the first lobe, so that the outline differs from every side.
        x, z = x - out * (0.8 * cos - 0.6 * sin), z - out * (0.8 * sin + 0.6 * cos)
        count = _put(shapes, count, LEAVES, x, y + 0.58 * height, z, lobe, 0.8 * lobe, leaf, 0.34, offset + 13.0, snow)
    return count


@inner
def _add_cactus(
    shapes: NDArray[np.float64],
    count: int,
    x: float,
    y: float,
    z: float,
    height: float,
    sin: float,
    cos: float,
    leaf: Colour,
    offset: float,
) -> int:
    count = _put(shapes, count, STONE, x, y + 0.4 * height, z, 0.085 * height, 0.6 * height, leaf, 0.0, offset, 0.0)
    for arm in range(2):
        sign = 1.0 - 2.0 * arm
        out, up = sign * 0.17 * height, (0.52 - 0.1 * arm) * height
        count = _put(
            shapes,
            count,
            STONE,
            x + out * cos,
            y + up,
            z + out * sin,
            0.06 * height,
            0.24 * height,
            leaf,
            0.0,
            offset,
            0.0,
        )
        count = _put(
            shapes,
            count,
            STONE,
            x + 0.5 * out * cos,
            y + up - 0.17 * height,
            z + 0.5 * out * sin,
            0.11 * height,
            0.05 * height,
            leaf,
            0.0,
            offset,
            0.0,
        )
    return count


@inner
def column_range(camera: Camera, shape: NDArray[np.float64]) -> tuple[int, int]:
    """The first and last column that a shape's disc covers. If it covers none, the second is the smaller."""
    x, z, radius, distance = shape[1], shape[3], shape[4], shape[12]
    if distance <= 1.02 * radius + 0.1:
        return 0, camera.columns - 1
    ahead = x * camera.forward_x + z * camera.forward_z
    aside = x * camera.forward_z - z * camera.forward_x
    middle, half = math.atan2(aside, ahead), math.asin(radius / distance)
    limit = 1.5
    left, right = max(-limit, middle - half), min(limit, middle + half)
    if left >= right:
        return 0, -1
    first = 0.5 * camera.columns + camera.focal * math.tan(left)
    last = 0.5 * camera.columns + camera.focal * math.tan(right)
    return max(0, math.floor(max(first, -1.0))), min(camera.columns - 1, math.floor(min(last, 1e6)))
