"""Draws a shape into one column of samples: intersects rays with an ellipsoid, cone or post, and shades the hits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from simulator._jit import inner
from simulator._noise import ramp, volume_at
from simulator._shapes import CONE, POST, STONE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.world import Colour, Light


class Column(NamedTuple):
    """A column of the picture: the vertical plane through the eye along a unit direction on the ground.

    Its samples, from the top, are passed as separate arguments: `colours` [rows, 3], linear RGB; `distances` [rows],
    horizontal metres; `wet` [rows], the share of the reflection. In a tuple, every call would count references to them.
    """

    direction_x: float
    direction_z: float
    focal: float  # samples per unit of slope
    horizon: float
    haze: Colour


@inner
def put(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    row: int,
    distance: float,
    colour: Colour,
    haze: float,
) -> None:
    """Write a sample of a solid surface, with haze."""
    colours[row, 0] = colour[0] + (column.haze[0] - colour[0]) * haze
    colours[row, 1] = colour[1] + (column.haze[1] - colour[1]) * haze
    colours[row, 2] = colour[2] + (column.haze[2] - colour[2]) * haze
    distances[row] = distance
    wet[row] = 0.0


@inner
def lit(light: Light, albedo: Colour, nx: float, ny: float, nz: float, wrap: float, open_sky: float) -> Colour:
    """Shade a surface: wrapped Lambert shading by the sun, plus ambient light from the sky and the ground."""
    facing = nx * light.sun_x + ny * light.sun_y + nz * light.sun_z
    direct = max(0.0, (facing + wrap) / (1.0 + wrap)) * open_sky
    above = (0.5 + 0.5 * ny) * open_sky
    below = 0.5 - 0.5 * ny
    return (
        albedo[0] * (light.sun[0] * direct + light.ambient[0] * above + light.bounce[0] * below),
        albedo[1] * (light.sun[1] * direct + light.ambient[1] * above + light.bounce[1] * below),
        albedo[2] * (light.sun[2] * direct + light.ambient[2] * above + light.bounce[2] * below),
    )


@inner
def draw_ellipsoid(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    shape: NDArray[np.float64],
    light: Light,
    snow: Colour,
    volume: NDArray[np.float32],
    haze: float,
) -> None:
    """Draw an ellipsoid. Leaves have a ragged rim: near the outline, noise decides whether a ray passes through."""
    cx, cy, cz, radius = shape[1], shape[2], shape[3], shape[4]
    k = radius / shape[5]
    b0, b1 = column.direction_x * cx + column.direction_z * cz, k * k * cy
    c = cx * cx + cz * cz + b1 * cy - radius * radius
    if c <= 0.0 or b0 <= 0.0:
        return
    # The slopes s at which a ray touches the ellipsoid solve (b0 + b1 s)^2 = (1 + k^2 s^2) c.
    qa, qb, qc = b1 * b1 - k * k * c, b0 * b1, b0 * b0 - c
    root = qb * qb - qa * qc
    if root <= 0.0 or qa == 0.0:
        return
    s1, s2 = (-qb - math.sqrt(root)) / qa, (-qb + math.sqrt(root)) / qa
    low, high = min(s1, s2), max(s1, s2)
    rows = distances.shape[0]
    first = max(0, math.ceil(column.horizon - high * column.focal - 0.5))
    last = min(rows - 1, math.floor(column.horizon - low * column.focal - 0.5))
    ragged, offset = shape[9] * ramp(220.0, 90.0, shape[12]), shape[10]
    wrap = 0.15 if shape[0] == STONE else 0.35
    clump = 1.0 / max(0.25, 0.22 * radius)
    grain = ramp(150.0, 50.0, shape[12])
    for row in range(first, last + 1):
        s = (column.horizon - row - 0.5) / column.focal
        a, b = 1.0 + k * k * s * s, b0 + b1 * s
        root = b * b - a * c
        if root <= 0.0:
            continue
        t = (b - math.sqrt(root)) / a
        if t <= 0.05 or t >= distances[row]:
            continue
        if ragged > 0.0:
            near_axis = c + radius * radius - b * b / a
            if near_axis > radius * radius * (1.0 - ragged):
                middle = b / a
                hole = volume_at(
                    volume,
                    (middle * column.direction_x - cx) * 1.7 * clump + offset,
                    (middle * s - cy) * 1.7 * clump,
                    (middle * column.direction_z - cz) * 1.7 * clump,
                )
                if near_axis > radius * radius * (1.0 - ragged * min(1.0, max(0.0, 0.5 + 0.45 * hole))):
                    continue
        hx, hy, hz = t * column.direction_x - cx, t * s - cy, t * column.direction_z - cz
        nx, ny, nz = hx / radius, k * hy / shape[5], hz / radius
        scale = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        bump = 0.0
        if grain > 0.0:
            bump = grain * volume_at(volume, hx * clump + offset, hy * clump, hz * clump)
        if shape[0] == STONE:
            colour, shade = (shape[6], shape[7], shape[8]), 1.0 + 0.12 * bump
        else:
            # Hollows between clumps are darker and get less sun; protruding clumps get more.
            ny = ny + 0.25 * bump
            colour, shade = (shape[6], shape[7], shape[8]), max(0.3, 0.92 + 0.24 * bump)
        if shape[11] > 0.0:
            cover = shape[11] * ramp(0.0, 0.45, ny + 0.2 * bump)
            colour = (
                colour[0] + (snow[0] - colour[0]) * cover,
                colour[1] + (snow[1] - colour[1]) * cover,
                colour[2] + (snow[2] - colour[2]) * cover,
            )
        open_sky = shade * (0.72 + 0.28 * min(1.0, max(-1.0, hy / shape[5])))
        put(column, colours, distances, wet, row, t, lit(light, colour, nx, ny, nz, wrap, open_sky), haze)


@inner
def draw_cone(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    shape: NDArray[np.float64],
    light: Light,
    snow: Colour,
    volume: NDArray[np.float32],
    haze: float,
) -> None:
    """Draw a tier of a conifer: a cone with its apex up, open at the bottom, with a ragged edge."""
    cx, base, cz, radius, height = shape[1], shape[2], shape[3], shape[4], shape[5]
    apex, k = base + height, radius / height
    b0 = column.direction_x * cx + column.direction_z * cz
    near2 = cx * cx + cz * cz - b0 * b0
    if near2 >= radius * radius:
        return
    near_t = max(0.05, b0 - math.sqrt(radius * radius - near2))
    far_t = max(0.06, b0 + math.sqrt(radius * radius - near2))
    rows = distances.shape[0]
    high = apex / (near_t if apex > 0.0 else far_t)
    low = base / (near_t if base < 0.0 else far_t)
    first = max(0, math.ceil(column.horizon - high * column.focal - 0.5))
    last = min(rows - 1, math.floor(column.horizon - low * column.focal - 0.5))
    offset, grain = shape[10], ramp(150.0, 50.0, shape[12])
    slant = 1.0 / math.sqrt(1.0 + k * k)
    for row in range(first, last + 1):
        s = (column.horizon - row - 0.5) / column.focal
        # (t dx - cx)^2 + (t dz - cz)^2 = k^2 (apex - s t)^2
        a = 1.0 - k * k * s * s
        b = b0 - k * k * s * apex
        c = cx * cx + cz * cz - k * k * apex * apex
        root = b * b - a * c
        if root <= 0.0 or abs(a) < 1e-9:
            continue
        root = math.sqrt(root)
        t = min((b - root) / a, (b + root) / a)
        inside = 1.0
        if t * s < base or t * s > apex or t <= 0.05:
            t, inside = max((b - root) / a, (b + root) / a), 0.4
        hy = t * s
        if hy < base or hy > apex or t <= 0.05 or t >= distances[row]:
            continue
        hx, hz = t * column.direction_x - cx, t * column.direction_z - cz
        bump = 0.0
        if grain > 0.0:
            bump = grain * volume_at(volume, 2.1 * hx + offset, 1.5 * hy - 1.5 * base, 2.1 * hz)
        rise = (hy - base) / height
        if rise < 0.16 * (0.5 + 0.5 * bump) * grain:
            continue
        around = k * (apex - hy) + 1e-6
        nx, ny, nz = slant * hx / around, slant * k, slant * hz / around
        colour = (shape[6], shape[7], shape[8])
        if shape[11] > 0.0:
            cover = shape[11] * inside * ramp(-0.2, 0.5, bump + 0.6 * rise)
            colour = (
                colour[0] + (snow[0] - colour[0]) * cover,
                colour[1] + (snow[1] - colour[1]) * cover,
                colour[2] + (snow[2] - colour[2]) * cover,
            )
        open_sky = (
            inside * max(0.3, 0.9 + 0.22 * bump) * (1.0 - 0.4 * ramp(0.6, 1.0, rise) * (1.0 - ramp(0.0, 1.0, rise)))
        )
        put(
            column,
            colours,
            distances,
            wet,
            row,
            t,
            lit(light, colour, nx, ny, nz, 0.3, open_sky * (0.75 + 0.25 * rise)),
            haze,
        )


@inner
def draw_post(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    shape: NDArray[np.float64],
    light: Light,
    haze: float,
) -> None:
    """Draw an upright cylinder. Its distance is the same in the whole column."""
    cx, base, cz, radius = shape[1], shape[2], shape[3], shape[4]
    b0 = column.direction_x * cx + column.direction_z * cz
    root = b0 * b0 - (cx * cx + cz * cz - radius * radius)
    if root <= 0.0:
        return
    t = b0 - math.sqrt(root)
    if t <= 0.05:
        return
    rows = distances.shape[0]
    first = max(0, math.ceil(column.horizon - (base + shape[5]) * column.focal / t - 0.5))
    last = min(rows - 1, math.floor(column.horizon - base * column.focal / t - 0.5))
    nx, nz = (t * column.direction_x - cx) / radius, (t * column.direction_z - cz) / radius
    colour = lit(light, (shape[6], shape[7], shape[8]), nx, 0.0, nz, 0.2, 0.8)
    for row in range(first, last + 1):
        if t < distances[row]:
            put(column, colours, distances, wet, row, t, colour, haze)


@inner
def draw_solid(
    column: Column,
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    wet: NDArray[np.float32],
    shape: NDArray[np.float64],
    light: Light,
    snow: Colour,
    volume: NDArray[np.float32],
    haze: float,
) -> None:
    if shape[0] == POST:
        draw_post(column, colours, distances, wet, shape, light, haze)
    elif shape[0] == CONE:
        draw_cone(column, colours, distances, wet, shape, light, snow, volume, haze)
    else:
        draw_ellipsoid(column, colours, distances, wet, shape, light, snow, volume, haze)
