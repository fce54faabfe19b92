"""A mountain valley at dawn: receding ridges in mist, a river catching the light, dewy grass."""

from __future__ import annotations

import numpy as np

from assets.seed_painter._ground import ground, ground_noise
from assets.seed_painter._plants import grass
from assets.seed_painter.canvas import (
    Field,
    below,
    bloom,
    blur,
    finish,
    grid,
    halo,
    hexa,
    line_noise,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "Misty valley at dawn"
DESCRIPTION = "Ridge behind ridge in the morning mist, a stream in the grass, the sun just over the pass."

_HORIZON = 378.0
_SUN = (742.0, 262.0)


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = _sky(x, y)
    for index in range(6):
        _ridge(picture, x, y, index)
    _meadow(picture, x, y)
    blades = [hexa(code) for code in ("1f3d20", "2c4f24", "3c6228", "55742f", "7d8f3c", "c0ae5c")]
    grass(
        picture,
        15,
        horizon=_HORIZON,
        tufts=4200,
        height=0.13,
        colours=blades,
        bare=lambda across, away: bool(abs(across - _stream(away)) < 0.66 + 0.055 * away),
        farthest=22.0,
    )
    shine(picture, (1.0, 0.78, 0.5), 0.34 * halo(x, y, _SUN, 210.0))
    bloom(picture, 0.82, 26.0, 0.5)
    return finish(picture, 11)


def _sky(x: Field, y: Field) -> Field:
    picture = ramp(y / _HORIZON, [(0, "5b7fa8"), (0.35, "93aec2"), (0.62, "e3cfb8"), (0.85, "f7d3a0"), (1, "f9dcae")])
    clouds = noise(1, 420, 70, octaves=7) + 0.5 * noise(2, 900, 120)
    lit = ramp(y / _HORIZON, [(0, "d9dbe0"), (0.5, "fbe3c6"), (1, "ffe9c4")])
    paint(picture, lit, 0.75 * smooth(0.3, 1.9, clouds) * smooth(360, 120, y))
    paint(picture, (0.45, 0.5, 0.62), 0.35 * smooth(0.6, 2.2, blur(clouds, 1, 6)) * smooth(260, 60, y))
    shine(picture, (1.0, 0.85, 0.6), 0.9 * halo(x, y, _SUN, 120.0))
    shine(picture, (1.0, 0.97, 0.88), 1.2 * halo(x, y, _SUN, 22.0) ** 2)
    return picture


def _ridge(picture: Field, x: Field, y: Field, index: int) -> None:
    """Ridge number `index`, 0 the farthest; farther ones are paler, warmer and smoother."""
    near = index / 5
    base = 238 + 27 * index
    height = (74, 62, 50, 40, 30, 22)[index]
    valley = 1.0 - np.exp(-(((x[0] - 730 + 60 * np.sin(index * 2.1)) / (330 - 20 * index)) ** 2))
    line = base + 26 - height * (0.55 * line_noise(20 + index, 330 - 30 * index, octaves=9, fade=0.47) + 1.9 * valley)
    mask = below(line.astype(np.float32), y, 1.0)
    rock = noise(40 + index, 70, 110, octaves=7, fade=0.62)
    facing = np.gradient(blur(rock, 1.0), axis=1) * 16
    shade = np.clip(0.5 + 0.10 * rock + 0.22 * facing, 0, 1)
    dark = ramp(shade, [(0, "1d3441"), (0.5, "31504d"), (1, "6f7f5c")])
    haze = np.array((0.93, 0.82, 0.70)) * (1 - near) + np.array((0.62, 0.68, 0.70)) * near
    depth = np.clip((y - line[None, :]) / (95 + 25 * near), 0, 1)
    fog = np.clip(0.80 - 0.58 * near + (0.34 - 0.10 * near) * depth**1.4 + 0.03 * noise(60 + index, 260, 40), 0, 1)
    paint(picture, dark + fog[..., None] * (haze.astype(np.float32) - dark), mask)
    if index >= 3:
        _tree_line(picture, line.astype(np.float32), y, index, fog)


def _tree_line(picture: Field, line: Field, y: Field, index: int, fog: Field) -> None:
    """A fringe of conifers on a ridge: sharp spikes of random height along its line."""
    teeth = np.abs(line_noise(80 + index, 7.0 + 3 * (index - 3), octaves=3, fade=0.7))
    spikes = line - (2.5 + 3.2 * (index - 2)) * np.clip(teeth, 0, 2.2)
    mask = below(spikes.astype(np.float32), y, 1.2) * np.clip(1 - (y - line[None, :]) / 26, 0, 1)
    paint(picture, (0.16, 0.25, 0.27), mask * (1 - 0.75 * fog))


def _meadow(picture: Field, x: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    soil = ground_noise(plane, 5, 3.0)
    patches = ground_noise(plane, 6, 14.0, octaves=4)
    tufts = ground_noise(plane, 7, 0.5, octaves=5, fade=0.85)
    shade = 0.46 + 0.11 * soil + 0.09 * patches + 0.09 * tufts
    grass = ramp(shade, [(0, "10241b"), (0.3, "2b4a2b"), (0.5, "56702f"), (0.7, "93923f"), (0.95, "e2c878")])
    middle = _stream(plane.away)
    off = np.abs(plane.across - middle - 0.1 * ground_noise(plane, 9, 1.2, octaves=3))
    width = 0.55 + 0.05 * plane.away
    water = smooth(1.06, 0.98, off / width)
    bank = smooth(1.6, 1.0, off / width) * (1 - water)
    paint(grass, (0.13, 0.15, 0.10), 0.7 * bank)
    sky_light = ramp(
        np.clip((y - _HORIZON) / 330, 0, 1), [(0, "fff0cd"), (0.3, "e9c9a0"), (0.7, "93a6b4"), (1, "56758f")]
    )
    ripple = ground_noise(plane, 10, 0.7, stretch=3.0, octaves=4)
    paint(grass, sky_light * (1 + 0.10 * ripple[..., None]), 0.93 * water)

    light = smooth(520, 40, np.abs(x - _SUN[0] + 40 * soil)) * smooth(720, 400, y)
    shine(grass, (1.0, 0.78, 0.42), 0.30 * light)
    mist = np.clip(np.exp(-(y - _HORIZON) / 34) * (0.9 + 0.15 * noise(12, 300, 14)), 0, 1)
    paint(grass, (0.93, 0.85, 0.72), 0.85 * mist)
    paint(picture, grass, smooth(-4, 6, y - _HORIZON))
    band = np.exp(-(((y - _HORIZON + 16) / (17 + 5 * noise(13, 500, 60))) ** 2))
    paint(picture, (0.95, 0.87, 0.76), 0.6 * np.clip(band + 0.1 * noise(14, 200, 16) * band, 0, 1))


def _stream(away: Field | float) -> Field:
    """The middle of the stream, metres from the axis."""
    return 0.9 * np.sin(away / 5.2 + 0.5) + 0.03 * away + 0.35 * np.sin(away / 1.9)
