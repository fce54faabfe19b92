"""Boxes and a level floor in one column of samples: walls, ceilings, furniture and house fronts.

First each ray finds what it hits, then that alone is shaded: in a street most boxes hide each other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from simulator._facades import span
from simulator._jit import inner
from simulator._noise import ramp
from simulator._solids import Column, lit
from simulator._surfaces import surface_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.world import Colour, Light

# x and z of the middle; cos and sin of the turn; half length and half width; bottom and top above the floor; surface;
# two colours; size of the pattern; salt; 1 for a part of the building, which no peel leaves out, else 0
BOX_FIELDS: Final = 18
LAMP_FIELDS: Final = 6  # x, height, z; red, green, blue at one metre
NOTHING: Final = -2  # in place of the number of a box: the sky
FLOOR: Final = -1
END: Final = 0  # which face of a box is hit
SIDE: Final = 1
LEVEL: Final = 2
_NEAREST: Final = 0.05  # m
_LAMP_REACH: Final = 2.4  # m, at which a lamp has half of its strength
_FLOOR_REACH: Final = 345.0  # m
_EDGE: Final = 0.35  # m along which corners lie in a soft shade


class Floor(NamedTuple):
    """A level floor without end, at height 0."""

    surface: int
    a: Colour
    b: Colour
    scale: float
    salt: int


class Lighting(NamedTuple):
    """How a place is lit, besides its lamps."""

    indoors: float  # 1 under a roof, where neither sun nor haze comes in; else 0
    ambient: Colour  # indoors


@inner
def _shaded(
    light: Light,
    lighting: Lighting,
    lamps: NDArray[np.float64],
    albedo: Colour,
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    nz: float,
    open_air: float,
) -> Colour:
    """Light of the day or of the room, and of lamps, on a point with this normal."""
    if lighting.indoors == 0.0:
        red, green, blue = lit(light, albedo, nx, ny, nz, 0.1, open_air)
    else:
        share = (0.8 + 0.2 * ny) * open_air
        red = albedo[0] * lighting.ambient[0] * share
        green = albedo[1] * lighting.ambient[1] * share
        blue = albedo[2] * lighting.ambient[2] * share
    for n in range(lamps.shape[0]):
        dx, dy, dz = lamps[n, 0] - x, lamps[n, 1] - y, lamps[n, 2] - z
        away = math.sqrt(dx * dx + dy * dy + dz * dz) + 1e-6
        facing = max(0.0, ((nx * dx + ny * dy + nz * dz) / away + 0.25) / 1.25)
        share = facing * open_air / (1.0 + (away / _LAMP_REACH) ** 2)
        red += albedo[0] * lamps[n, 3] * share
        green += albedo[1] * lamps[n, 4] * share
        blue += albedo[2] * lamps[n, 5] * share
    return red, green, blue


@inner
def hit_floor(column: Column, distances: NDArray[np.float32], hits: NDArray[np.int64], eye_y: float) -> None:
    """Begin a column: rays that look down hit the floor, the others nothing yet.

    hits: [rows, 2], the number of a box and which face of it.
    """
    for row in range(distances.shape[0]):
        s = (column.horizon - row - 0.5) / column.focal
        if s < -eye_y / _FLOOR_REACH:
            distances[row], hits[row, 0] = -eye_y / s, FLOOR
        else:
            distances[row], hits[row, 0] = np.inf, NOTHING


@inner
def hit_box(
    column: Column,
    distances: NDArray[np.float32],
    hits: NDArray[np.int64],
    box: NDArray[np.float64],
    number: int,
    eye_x: float,
    eye_y: float,
    eye_z: float,
    nearest_m: float,
) -> None:
    """Intersect rays with a box in its own axes. Faces nearer than `nearest_m` are passed through."""
    dx, dz, cos, sin = eye_x - box[0], eye_z - box[1], box[2], box[3]
    enter_a, leave_a = span(dx * cos + dz * sin, column.direction_x * cos + column.direction_z * sin, box[4])
    enter_b, leave_b = span(dz * cos - dx * sin, column.direction_z * cos - column.direction_x * sin, box[5])
    enter, leave = max(enter_a, enter_b), min(leave_a, leave_b)
    if enter >= leave or leave <= _NEAREST:
        return
    face = END if enter_a > enter_b else SIDE
    low, high = box[6] - eye_y, box[7] - eye_y
    start = max(enter, _NEAREST)
    top = high / (start if high > 0.0 else leave)
    bottom = low / (start if low < 0.0 else leave)
    first = max(0, math.ceil(column.horizon - top * column.focal - 0.5))
    last = min(distances.shape[0] - 1, math.floor(column.horizon - bottom * column.focal - 0.5))
    for row in range(first, last + 1):
        if start >= distances[row]:
            continue
        s = (column.horizon - row - 0.5) / column.focal
        up, down = (high / s, low / s) if abs(s) > 1e-9 else (1e9, -1e9)
        t = max(enter, min(up, down))
        if t >= min(leave, max(up, down)) or t < _NEAREST or t < nearest_m or t >= distances[row]:
            continue
        distances[row], hits[row, 0], hits[row, 1] = t, number, face if t <= enter else LEVEL


@inner
def shade_floor(
    column: Column,
    floor: Floor,
    lamps: NDArray[np.float64],
    light: Light,
    lighting: Lighting,
    eye_x: float,
    eye_z: float,
    t: float,
) -> Colour:
    """The light that comes from the floor at distance `t`."""
    x, z = eye_x + t * column.direction_x, eye_z + t * column.direction_z
    albedo, _ = surface_at(floor.surface, floor.a, floor.b, floor.scale, floor.salt, x, z, t, 0.0)
    return _shaded(light, lighting, lamps, albedo, x, 0.0, z, 0.0, 1.0, 0.0, 1.0)


@inner
def shade_box(
    column: Column,
    box: NDArray[np.float64],
    face: int,
    lamps: NDArray[np.float64],
    light: Light,
    lighting: Lighting,
    eye_x: float,
    eye_y: float,
    eye_z: float,
    t: float,
    s: float,
) -> Colour:
    """The light that comes from a face of a box, which a ray of slope `s` hits at distance `t`."""
    x, y, z = eye_x + t * column.direction_x, eye_y + s * t, eye_z + t * column.direction_z
    cos, sin = box[2], box[3]
    a, b = (x - box[0]) * cos + (z - box[1]) * sin, (z - box[1]) * cos - (x - box[0]) * sin
    nx, ny, nz, open_air = 0.0, 0.0, 0.0, 1.0
    if face == LEVEL:
        u, v, ny = a, b, (1.0 if s < 0.0 else -1.0)
    else:
        if face == END:
            facing = math.copysign(1.0, a)
            u, v, nx, nz = b, y - box[6], facing * cos, facing * sin
        else:
            facing = math.copysign(1.0, b)
            u, v, nx, nz = a, y - box[6], -facing * sin, facing * cos
        open_air = 0.72 + 0.28 * ramp(0.0, _EDGE, y)
        open_air *= 1.0 - 0.2 * lighting.indoors * ramp(_EDGE, 0.0, box[7] - y)
    colours = (box[9], box[10], box[11]), (box[12], box[13], box[14])
    albedo, glows = surface_at(int(box[8]), colours[0], colours[1], box[15], int(box[16]), u, v, t, light.lamps)
    if glows > 0.0:
        return albedo
    return _shaded(light, lighting, lamps, albedo, x, y, z, nx, ny, nz, open_air)
