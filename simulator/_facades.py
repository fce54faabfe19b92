"""Draws one house into one column of samples: walls with windows and a door, and a pitched roof."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._jit import inner
from simulator._noise import ramp, unit
from simulator._solids import Column, lit, put
from simulator._terrain import mix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Colour, Light, Paint

OVERHANG: Final = 0.45  # m
STOREY: Final = 2.7


@inner
def span(start: float, speed: float, half: float) -> tuple[float, float]:
    """The range of t for which start + t * speed lies in [-half, half]. If it never does, the second is the smaller."""
    if abs(speed) < 1e-9:
        return (-1e9, 1e9) if abs(start) < half else (1e9, -1e9)
    a, b = (-half - start) / speed, (half - start) / speed
    return min(a, b), max(a, b)


@inner
def draw_house(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    house: NDArray[np.float64],
    eye_x: float,
    eye_y: float,
    eye_z: float,
    light: Light,
    paint: Paint,
    haze: float,
) -> None:
    """Intersect rays with the walls (one distance for the whole column) and both roof planes, in the house's axes."""
    dx, dz = eye_x - house[1], eye_z - house[2]
    a0, b0 = dx * house[3] + dz * house[4], dz * house[3] - dx * house[4]
    da = column.direction_x * house[3] + column.direction_z * house[4]
    db = column.direction_z * house[3] - column.direction_x * house[4]
    half_a, half_b = house[5], house[6]
    enter_a, leave_a = span(a0, da, half_a + OVERHANG)
    enter_b, leave_b = span(b0, db, half_b + OVERHANG)
    enter, leave = max(enter_a, enter_b, 0.05), min(leave_a, leave_b)
    if enter >= leave:
        return
    wall_a, wall_leave_a = span(a0, da, half_a)
    wall_b, wall_leave_b = span(b0, db, half_b)
    wall = max(wall_a, wall_b)
    if wall >= min(wall_leave_a, wall_leave_b) or wall < 0.05:
        wall = 1e30
    gable = wall_a > wall_b
    along = b0 + db * wall if gable else a0 + da * wall
    pitch = (house[9] - house[8]) / half_b
    ridge, bottom = house[9] - eye_y, house[11] - 0.6 - eye_y
    wall_top = ridge - pitch * abs(along) if gable else house[8] - eye_y
    if gable:
        nx, nz = -math.copysign(house[3], da), -math.copysign(house[4], da)
    else:
        nx, nz = math.copysign(house[4], db), -math.copysign(house[3], db)
    rows = distances.shape[0]
    high = ridge / (enter if ridge > 0.0 else leave)
    low = bottom / (enter if bottom < 0.0 else leave)
    first = max(0, math.ceil(column.horizon - high * column.focal - 0.5))
    last = min(rows - 1, math.floor(column.horizon - low * column.focal - 0.5))
    for row in range(first, last + 1):
        s = (column.horizon - row - 0.5) / column.focal
        t, side = _roof(s, a0, b0, da, db, ridge, pitch, half_a, half_b)
        if wall < t and bottom <= s * wall <= wall_top:
            if wall < distances[row]:
                colour = _wall(
                    house, light, paint, s * wall + eye_y, along, wall_top - s * wall, wall, nx, nz, int(gable)
                )
                put(column, colours, distances, wet, row, wall, colour, haze)
        elif t < 1e29 and t < distances[row]:
            put(
                column,
                colours,
                distances,
                wet,
                row,
                t,
                _tiles(house, light, paint, a0 + da * t, b0 + db * t, s, side, db, pitch, t),
                haze,
            )


@inner
def _roof(
    s: float,
    a0: float,
    b0: float,
    da: float,
    db: float,
    ridge: float,
    pitch: float,
    half_a: float,
    half_b: float,
) -> tuple[float, float]:
    """The nearest distance at which the ray of slope `s` hits the roof, and which side. 1e30: it misses."""
    best, best_side = 1e30, 0.0
    for index in range(2):
        side = 1.0 - 2.0 * index
        fall = s + pitch * side * db
        if abs(fall) < 1e-12:
            continue
        t = (ridge - pitch * side * b0) / fall
        b = side * (b0 + db * t)
        if 0.05 < t < best and 0.0 <= b <= half_b + OVERHANG and abs(a0 + da * t) <= half_a + OVERHANG:
            best, best_side = t, side
    return best, best_side


@inner
def _tiles(
    house: NDArray[np.float64],
    light: Light,
    paint: Paint,
    a: float,
    b: float,
    s: float,
    side: float,
    db: float,
    pitch: float,
    distance: float,
) -> Colour:
    draw = house[10]
    albedo = paint.roof_a if draw < 0.45 else (paint.roof_b if draw < 0.75 else paint.roof_c)
    scale = 1.0 / math.sqrt(1.0 + pitch * pitch)
    nx, ny, nz = -house[4] * side * pitch * scale, scale, house[3] * side * pitch * scale
    if s + pitch * side * db > 0.0:  # from below
        return lit(light, (0.8 * paint.bark[0], 0.8 * paint.bark[1], 0.8 * paint.bark[2]), -nx, -ny, -nz, 0.0, 0.5)
    near = ramp(45.0, 12.0, distance)
    if near > 0.0:
        course = math.floor(abs(b) / 0.4)
        tile = unit(math.floor(a / 0.5 + 0.5 * course), int(course), 17)
        shade = 1.0 + near * (0.24 * (tile - 0.5) - 0.16 * ramp(0.75, 1.0, abs(b) / 0.4 - course))
        albedo = (albedo[0] * shade, albedo[1] * shade, albedo[2] * shade)
    return lit(light, albedo, nx, ny, nz, 0.05, 1.0)


@inner
def _wall(
    house: NDArray[np.float64],
    light: Light,
    paint: Paint,
    height: float,
    along: float,
    below_top: float,
    distance: float,
    nx: float,
    nz: float,
    gable: int,
) -> Colour:
    draw = house[10]
    albedo = paint.wall_a if draw < 0.35 else (paint.wall_b if draw < 0.6 or draw > 0.85 else paint.wall_c)
    above = height - house[7]
    if above < 0.35:
        albedo = paint.stone
    half = house[6] if gable == 1 else house[5]
    corner = half - abs(along)
    if corner < 0.18:
        albedo = mix(albedo, paint.bark, 0.55)
    count = math.floor(2.0 * half / 2.0)
    cell = 2.0 * half / count
    place = (along + half) / cell
    storey = math.floor(above / STOREY)
    across, up = abs(place - math.floor(place) - 0.5) * cell, above - STOREY * storey
    visible = ramp(260.0, 120.0, distance)
    under_eaves = 1.0 - 0.3 * ramp(0.9, 0.0, below_top)
    if gable == 0 and nx * house[4] - nz * house[3] > 0.0 and abs(along) < 0.5 and -0.1 < above < 2.1:
        return lit(light, mix(paint.bark, paint.roof_c, 0.35), nx, 0.0, nz, 0.05, 0.85)
    whole = house[7] + STOREY * (storey + 1.0) <= house[8] + 0.3
    if whole and across < 0.5 and 0.85 < up < 2.15 and above > 0.0:
        if across > 0.4 or up < 0.95 or up > 2.05 or abs(up - 1.5) < 0.04 or across < 0.04:
            frame = mix(albedo, (0.8, 0.78, 0.74), 0.7 * visible)
            return lit(light, frame, nx, 0.0, nz, 0.05, under_eaves)
        shine = mix(light.horizon, light.zenith, 0.5 + 0.4 * (up - 0.9))
        glass = mix((0.02, 0.03, 0.04), shine, 0.3)
        if light.lamps > unit(int(1e6 * draw) + int(place), int(storey) + 8 * gable + int(2.0 + nx + nz), 23):
            glass = (1.25 * light.lamps + 0.2, 0.72 * light.lamps + 0.12, 0.26 * light.lamps + 0.04)
        return mix(lit(light, albedo, nx, 0.0, nz, 0.05, under_eaves), glass, visible)
    return lit(light, albedo, nx, 0.0, nz, 0.05, under_eaves)
