"""The land as functions of the position: height, paths and ground colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._jit import inner, njit
from simulator._noise import fbm2, noise2, ramp

if TYPE_CHECKING:
    from simulator.world import Colour, Paint, Relief

PATH_HALF_WIDTH: Final = 1.5  # m


@njit
def height_at(relief: Relief, x: float, z: float) -> float:
    """Height of the ground above the water, in metres. The sea floor is negative.

    The height is the sum of gradient noises over a warped plane (as in Musgrave's hybrid terrain, medium forms fade out
    in the plains) and ridges from folded noise. Shores are flattened.
    """
    salt = relief.salt
    warp_x = x + 26.0 * noise2(x / 160.0, z / 160.0, salt + 11)
    warp_z = z + 26.0 * noise2(x / 160.0, z / 160.0, salt + 12)
    upland = ramp(-0.3, 0.45, noise2(x / 560.0, z / 560.0, salt + 3))
    height = relief.lift + 1.5 * relief.swell * fbm2(warp_x / 480.0, warp_z / 480.0, salt + 1, 2)
    height += relief.hills * (0.3 + 0.7 * upland) * fbm2(warp_x / 150.0, warp_z / 150.0, salt + 2, 3)
    if relief.ridges > 0.0:
        fold = 1.0 - 1.9 * abs(noise2(warp_x / 300.0, warp_z / 300.0, salt + 4))
        fold += 0.3 * (0.5 - abs(noise2(warp_x / 90.0, warp_z / 90.0, salt + 5)))
        height += relief.ridges * upland * max(0.0, fold) ** 2
    height += relief.rough * fbm2(x / 30.0, z / 30.0, salt + 6, 2)
    if relief.terraces > 0.0 and height > 2.0:
        level = (height - 2.0) / relief.terraces
        step = math.floor(level)
        height = 2.0 + relief.terraces * (step + 0.25 * (level - step) + 0.75 * ramp(0.72, 1.0, level - step))
    if abs(height) < 3.0:
        height *= 0.3 + 0.7 * abs(height) / 3.0
    return height


@inner
def path_distance(relief: Relief, x: float, z: float) -> float:
    """The approximate distance to the middle of the nearest path, in metres. Paths follow the zeros of a noise."""
    if relief.paths == 0.0:
        return 1e3
    warp = 6.0 * noise2(x / 37.0, z / 37.0, relief.salt + 22)
    return abs(noise2((x + warp) / 190.0, (z - warp) / 190.0, relief.salt + 21)) * 165.0


@inner
def mix(a: Colour, b: Colour, share: float) -> Colour:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share


@inner
def ground_colour(relief: Relief, paint: Paint, x: float, z: float, height: float, flatness: float) -> Colour:
    """Albedo of the ground. `flatness` is the upward component of its normal, 1 on level ground."""
    salt = relief.salt
    wide = noise2(x / 60.0, z / 60.0, salt + 51)
    fine = fbm2(x / 9.0, z / 9.0, salt + 52, 2)
    colour = mix(paint.grass_a, paint.grass_b, ramp(-0.35, 0.35, wide + 0.35 * fine))
    meadow = fbm2(x / 33.0, z / 33.0, salt + 53, 2) + 0.2 * fine
    colour = mix(colour, paint.patch, 0.8 * ramp(0.12, 0.4, meadow))
    shade = 1.0 + 0.16 * fine
    colour = (colour[0] * shade, colour[1] * shade, colour[2] * shade)
    colour = mix(colour, paint.snow, ramp(-4.0, 5.0, height - paint.snowline + 9.0 * wide + 4.0 * fine))
    steep = ramp(0.86, 0.72, flatness + 0.05 * fine)
    strata = 1.0 + 0.14 * noise2(height / 1.3 + 2.0 * fine, 0.11 * (x + z), salt + 54)
    rock = (paint.rock[0] * strata, paint.rock[1] * strata, paint.rock[2] * strata)
    colour = mix(colour, rock, steep)
    trodden = ramp(PATH_HALF_WIDTH + 0.8, PATH_HALF_WIDTH - 0.5, path_distance(relief, x, z) + 0.7 * fine)
    colour = mix(colour, paint.earth, 0.9 * trodden * (1.0 - steep) * ramp(0.5, 1.0, height))
    return mix(colour, paint.sand, ramp(1.0, 0.55, height + 0.35 * fine + 0.2 * wide))


@inner
def under_water(paint: Paint, floor: Colour, depth: float) -> Colour:
    """The colour of a sea floor seen through `depth` metres of water."""
    return mix((floor[0] * 0.72, floor[1] * 0.78, floor[2] * 0.8), paint.water, 1.0 - math.exp(-0.9 * max(0.0, depth)))
