"""The sky as a static panorama: gradient, sun, clouds, stars and distant mountains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator._jit import inner, njit
from simulator._noise import fbm2, ramp, unit
from simulator._terrain import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.world import Colour, Light

AZIMUTHS: Final = 1536
SLOPES: Final = 288
TOP_SLOPE: Final = 1.6  # tangent of the largest elevation in the panorama


def paint_sky(light: Light, salt: int) -> NDArray[np.float32]:
    """Linear RGB by direction: float32 [AZIMUTHS, SLOPES, 3]. Azimuths go from +z to +x, slopes from 0 to TOP_SLOPE."""
    panorama = np.empty((AZIMUTHS, SLOPES, 3), dtype=np.float32)
    _paint(light, salt, panorama)
    return panorama


@njit
def _paint(light: Light, salt: int, panorama: NDArray[np.float32]) -> None:
    for a in range(panorama.shape[0]):
        angle = 2.0 * math.pi * a / panorama.shape[0]
        x, z = math.sin(angle), math.cos(angle)
        front, back = _skylines(x, z, salt)
        for s in range(panorama.shape[1]):
            slope = TOP_SLOPE * s / (panorama.shape[1] - 1)
            colour = _air(light, x, slope, z)
            if slope < 0.25:
                haze = _air(light, x, 0.02, z)
                dark = (0.34 * light.ambient[0], 0.36 * light.ambient[1], 0.42 * light.ambient[2])
                colour = mix(colour, mix(haze, dark, 0.26), ramp(back + 0.004, back - 0.004, slope))
                share = 0.5 * ramp(-0.03, 0.1, slope)
                colour = mix(colour, mix(haze, dark, share), ramp(front + 0.004, front - 0.004, slope))
            panorama[a, s, 0] = colour[0]
            panorama[a, s, 1] = colour[1]
            panorama[a, s, 2] = colour[2]


@inner
def _skylines(x: float, z: float, salt: int) -> tuple[float, float]:
    """The slopes up to which two chains of distant mountains reach in the direction (x, z)."""
    front = 0.030 + 0.05 * fbm2(2.3 * x + 7.0, 2.3 * z, salt + 81, 4)
    back = 0.055 + 0.11 * fbm2(1.7 * x, 1.7 * z + 5.0, salt + 82, 5)
    return front, back


@inner
def _air(light: Light, x: float, slope: float, z: float) -> Colour:
    """The colour in the direction (x, slope, z), without the distant mountains."""
    length = math.sqrt(1.0 + slope * slope)
    up = slope / length
    towards_sun = (x * light.sun_x + slope * light.sun_y + z * light.sun_z) / length
    colour = mix(light.horizon, light.zenith, 1.0 - math.exp(-2.7 * up))
    low_sun = 1.0 - light.sun_y
    near_sun = max(0.0, towards_sun)
    glow = 0.75 * near_sun**6 * low_sun * math.exp(-1.8 * up) + 0.35 * near_sun**40
    colour = mix(colour, light.glow, min(1.0, glow * (1.0 - 0.75 * ramp(0.7, 1.0, light.cover))))
    if light.stars > 0.0 and slope > 0.08:
        colour = _star(light, colour, x, slope, z)
    clear = 1.0 - ramp(0.75, 0.95, light.cover)
    disc = ramp(0.9990, 0.9994, towards_sun) * clear
    bright = 1.6 if light.stars > 0.0 else 3.0
    colour = mix(colour, (bright * light.glow[0], bright * light.glow[1], bright * light.glow[2]), disc)
    return _clouded(light, colour, x, slope, z, near_sun)


@inner
def _star(light: Light, colour: Colour, x: float, slope: float, z: float) -> Colour:
    i, j = math.floor(160.0 * math.atan2(x, z)), math.floor(160.0 * slope)
    if unit(i, j, 91) < 0.99:
        return colour
    shine = light.stars * (0.1 + 0.5 * unit(i, j, 92)) * ramp(0.08, 0.4, slope)
    return colour[0] + shine, colour[1] + shine, colour[2] + 1.1 * shine


@inner
def _clouded(light: Light, colour: Colour, x: float, slope: float, z: float, near_sun: float) -> Colour:
    """Add clouds on a horizontal layer. They are lit by comparing their density with that a little towards the sun."""
    spread = 1.0 / (slope + 0.14)
    u, v = 1.25 * x * spread, 1.25 * z * spread
    density = fbm2(u, v, 83, 5) + 0.55 * fbm2(0.4 * u, 0.4 * v, 84, 2)
    edge = 0.62 - 1.15 * light.cover
    cover = ramp(edge, edge + 0.42, density)
    if cover <= 0.0:
        return colour
    flat = math.hypot(light.sun_x, light.sun_z)
    ahead = fbm2(u + 0.16 * light.sun_x / flat, v + 0.16 * light.sun_z / flat, 83, 3)
    lit = ramp(-0.45, 0.4, fbm2(u, v, 83, 3) - ahead + 0.1 + 0.25 * near_sun - 0.35 * (density - edge - 0.42))
    cloud = mix(light.cloud_shade, light.cloud, lit)
    return mix(colour, cloud, 0.92 * cover * ramp(0.0, 0.22, slope))


@inner
def sky_at(panorama: NDArray[np.float32], column: float, slope: float) -> Colour:
    """Sample the panorama bilinearly. `column` wraps around; `slope` is clamped to the range of the panorama."""
    floor = math.floor(column)
    share = column - floor
    a = int(floor) % panorama.shape[0]
    b = (a + 1) % panorama.shape[0]
    row = min(1.0, max(0.0, slope / TOP_SLOPE)) * (panorama.shape[1] - 1.001)
    s = int(row)
    rest = row - s
    w00, w01 = (1.0 - share) * (1.0 - rest), (1.0 - share) * rest
    w10, w11 = share * (1.0 - rest), share * rest
    return (
        w00 * panorama[a, s, 0] + w01 * panorama[a, s + 1, 0] + w10 * panorama[b, s, 0] + w11 * panorama[b, s + 1, 0],
        w00 * panorama[a, s, 1] + w01 * panorama[a, s + 1, 1] + w10 * panorama[b, s, 1] + w11 * panorama[b, s + 1, 1],
        w00 * panorama[a, s, 2] + w01 * panorama[a, s + 1, 2] + w10 * panorama[b, s, 2] + w11 * panorama[b, s + 1, 2],
    )
