"""What walls, floors and furniture are made of: the colour of a point on a flat surface, as a function of its place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._jit import inner
from simulator._noise import fbm2, ramp, unit
from simulator._terrain import mix

if TYPE_CHECKING:
    from simulator.world import Colour

PLASTER: Final = 0
BRICK: Final = 1
PLANKS: Final = 2
TILES: Final = 3
BOOKS: Final = 4
FACADE: Final = 5
STRIPES: Final = 6
CLOTH: Final = 7
GLOW: Final = 8  # shines by itself
PANELS: Final = 9
ROAD: Final = 10
PAINTING: Final = 11
SURFACES: Final = 12  # how many there are

_STOREY: Final = 3.0  # m
_GRAIN_TO: Final = 45.0  # m; farther away fine patterns have melted into their mean
_GRAIN_FROM: Final = 14.0


@inner
def surface_at(
    kind: int, a: Colour, b: Colour, scale: float, salt: int, u: float, v: float, distance: float, lamps: float
) -> tuple[Colour, float]:
    """Albedo and share of light of its own, at `u` metres along a surface and `v` metres up it.

    `a` and `b` are the two colours of a surface, `scale` the size of its pattern in metres; `lamps` is the share of
    windows that are lit.
    """
    grain = ramp(_GRAIN_TO, _GRAIN_FROM, distance)
    if kind == GLOW:
        return mix(a, b, ramp(0.0, scale, v)), 1.0
    if kind == BRICK:
        return _bricks(a, b, scale, salt, u, v, grain), 0.0
    if kind == PLANKS:
        board = math.floor(u / scale)
        joint = ramp(0.04, 0.0, min(u / scale - board, 1.0 - u / scale + board)) * grain
        tone = 0.86 + 0.28 * unit(int(board), 0, salt) + 0.12 * grain * fbm2(9.0 * u / scale, 0.7 * v, salt, 2)
        return _times(mix(a, b, 0.35 * unit(int(board), 1, salt)), tone * (1.0 - 0.55 * joint)), 0.0
    if kind == TILES:
        i, j = math.floor(u / scale), math.floor(v / scale)
        within = min(u / scale - i, 1.0 - u / scale + i, v / scale - j, 1.0 - v / scale + j)
        tile = a if (int(i) + int(j)) % 2 == 0 else b
        tone = (0.92 + 0.16 * unit(int(i), int(j), salt)) * (1.0 - 0.4 * grain * ramp(0.04, 0.0, within))
        return _times(mix(mix(a, b, 0.5), tile, 0.25 + 0.75 * grain), tone), 0.0
    if kind == BOOKS:
        return _books(a, b, scale, salt, u, v), 0.0
    if kind == FACADE:
        return _facade(a, b, scale, salt, u, v, distance, lamps)
    if kind == STRIPES:
        share = ramp(0.42, 0.58, abs(2.0 * (u / scale - math.floor(u / scale)) - 1.0))
        return mix(a, b, 0.5 + (share - 0.5) * grain), 0.0
    if kind == CLOTH:
        weave = fbm2(u / scale, v / scale, salt, 3)
        return _times(mix(a, b, ramp(-0.3, 0.4, weave)), 0.9 + 0.2 * weave), 0.0
    if kind == PANELS:
        i, j = math.floor(u / scale), math.floor(v / (1.6 * scale))
        within = min(
            u / scale - i, 1.0 - u / scale + i, 1.6 * (v / (1.6 * scale) - j), 1.6 * (1.0 - v / (1.6 * scale) + j)
        )
        rim = ramp(0.09, 0.12, within) * ramp(0.17, 0.13, within)
        return _times(mix(a, b, 0.7 * ramp(0.12, 0.15, within)), 1.0 - 0.4 * rim * grain), 0.0
    if kind == ROAD:
        return _road(a, b, scale, salt, u, v, grain), 0.0
    if kind == PAINTING:
        hue = unit(math.floor(u / (0.3 * scale)), math.floor(v / (0.3 * scale)), salt)
        blot = fbm2(2.0 * u / scale, 2.0 * v / scale, salt, 3)
        return mix(mix(a, b, ramp(-0.2, 0.3, blot)), (0.7 * hue, 0.4, 0.6 - 0.5 * hue), 0.4 * ramp(0.0, 0.3, blot)), 0.0
    stain = fbm2(0.8 * u, 0.8 * v, salt, 2)
    return _times(mix(a, b, 0.25 * ramp(-0.2, 0.6, stain)), 0.97 + 0.05 * fbm2(7.0 * u, 7.0 * v, salt, 1) * grain), 0.0


@inner
def _times(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@inner
def _bricks(a: Colour, mortar: Colour, scale: float, salt: int, u: float, v: float, grain: float) -> Colour:
    course = math.floor(v / scale)
    along = u / (2.6 * scale) + 0.5 * (int(course) % 2)
    brick = math.floor(along)
    inside = min(2.6 * (along - brick), 2.6 * (1.0 - along + brick), v / scale - course, 1.0 - v / scale + course)
    tone = 0.8 + 0.4 * unit(int(brick), int(course), salt)
    return mix(_times(a, 0.98 + (tone - 0.98) * grain), mortar, (0.9 * ramp(0.12, 0.05, inside) - 0.12) * grain + 0.12)


@inner
def _books(a: Colour, b: Colour, scale: float, salt: int, u: float, v: float) -> Colour:
    """Rows of backs of books, some boards high."""
    shelf = math.floor(v / scale)
    up = v / scale - shelf
    upright = ramp(0.03, 0.0, abs(u - 0.9 * math.floor(u / 0.9 + 0.5)) - 0.02)
    if up < 0.07 or upright > 0.5:
        return a
    width = 0.028 + 0.03 * unit(math.floor(u / 0.5), int(shelf), salt)
    book = math.floor(u / width)
    tall = 0.62 + 0.3 * unit(book, int(shelf), salt + 1)
    if up > tall:
        return _times(a, 0.25)
    red, green, blue = (
        unit(book, int(shelf), salt + 2),
        unit(book, int(shelf), salt + 3),
        unit(book, int(shelf), salt + 4),
    )
    band = 0.8 if 0.2 < up / tall < 0.28 else 1.0
    return _times(mix((0.05 + 0.4 * red, 0.04 + 0.28 * green, 0.04 + 0.25 * blue), b, 0.35), band)


@inner
def _facade(
    a: Colour, frame: Colour, scale: float, salt: int, u: float, v: float, distance: float, lamps: float
) -> tuple[Colour, float]:
    """A house front: storeys of windows above a ground floor of doors and shop windows."""
    storey, place = math.floor(v / _STOREY), u / scale
    window = math.floor(place)
    across, up = abs(place - window - 0.5) * scale, v - _STOREY * storey
    ground = storey == 0
    half, low, high = (0.38 * scale, 0.5, 2.5) if ground else (0.23 * scale + 0.1, 0.9, 2.3)
    if ground and unit(int(window), 7, salt) < 0.35:
        half, low, high = 0.5, 0.0, 2.2
    seen = ramp(220.0, 90.0, distance)
    if across > half + 0.09 or up < low - 0.09 or up > high + 0.09:
        band = ramp(0.10, 0.03, abs(up - 2.88)) * 0.6
        stain = 0.96 + 0.08 * fbm2(0.7 * u, 0.5 * v, salt, 2)
        return _times(mix(a, frame, band * seen), stain), 0.0
    if across > half or up < low or up > high or (across < 0.035 and not ground):
        return mix(a, frame, seen), 0.0
    if low == 0.0:
        return mix(_times(frame, 0.45), (0.12, 0.07, 0.04), 0.5), 0.0
    if unit(int(window), int(storey) + 11, salt) < lamps * (1.0 if ground else 0.6):
        warm = unit(int(window), int(storey) + 29, salt)
        return mix((1.1, 0.72, 0.32), (0.75, 0.85, 1.0), ramp(0.6, 0.9, warm)), 1.0
    # Glass shows the sky, the more so the higher it hangs.
    sheen = 0.10 + 0.16 * ramp(low, high, up) + 0.10 * unit(int(window), int(storey) + 3, salt)
    return mix(a, (0.5 * sheen, 0.62 * sheen, 0.8 * sheen), seen), 0.0


@inner
def _road(a: Colour, b: Colour, scale: float, salt: int, u: float, v: float, grain: float) -> Colour:
    """Asphalt with a broken line in its middle, of `scale` metres to each side; beyond it paving stones."""
    rough = 1.0 + 0.10 * fbm2(3.0 * u, 3.0 * v, salt, 3) * grain + 0.12 * fbm2(0.15 * u, 0.15 * v, salt, 2)
    aside = abs(u)
    if aside < scale:
        line = ramp(0.10, 0.05, aside) * ramp(0.5, 0.45, abs(v / 6.0 - math.floor(v / 6.0) - 0.5) * 2.0)
        return mix(_times(a, rough), (0.7, 0.7, 0.66), 0.8 * line)
    if aside < scale + 0.25:
        return _times(b, 0.7)
    i, j = math.floor(u / 0.6), math.floor(v / 0.6)
    within = min(u / 0.6 - i, 1.0 - u / 0.6 + i, v / 0.6 - j, 1.0 - v / 0.6 + j)
    tone = 0.9 + 0.2 * unit(int(i), int(j), salt) * grain
    return _times(b, rough * tone * (1.0 - 0.35 * grain * ramp(0.05, 0.0, within)))
