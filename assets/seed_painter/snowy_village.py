"""A village in deep snow at the blue hour: warm windows, firs, smoke, first stars."""

from __future__ import annotations

from typing import Final

import numpy as np

from assets.seed_painter._ground import EYE, FOCAL, ground, ground_noise
from assets.seed_painter._houses import House, paint_house
from assets.seed_painter._plants import conifer
from assets.seed_painter.canvas import (
    Colour,
    Field,
    below,
    bloom,
    blur,
    finish,
    grid,
    line_noise,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "Snowy village at the blue hour"
DESCRIPTION = "Lamps are lit behind the windows; a trodden path leads between the firs to the houses."

_HORIZON: Final = 384.0
_HOUSES: Final = tuple(
    House(middle, away, wide, tall, _HORIZON)
    for middle, away, wide, tall in (
        (-9.5, 35.0, 7.0, 3.4),
        (9.0, 34.0, 6.5, 3.4),
        (-1.6, 41.0, 6.5, 3.4),
        (17.5, 27.0, 7.0, 3.6),
        (-16.0, 25.0, 7.0, 3.6),
        (9.2, 20.5, 5.6, 3.2),
        (-9.4, 17.0, 5.8, 3.2),
    )
)


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = ramp(y / _HORIZON, [(0, "0f1c45"), (0.45, "2c4a86"), (0.75, "6b84b8"), (0.92, "c8a9b8"), (1, "efc0a8")])
    _stars(picture, y)
    paint(
        picture,
        ramp(y / _HORIZON, [(0, "3a568f"), (1, "e9b9b4")]),
        0.6 * smooth(0.5, 2.2, noise(2, 520, 40, octaves=7)),
    )
    for index in range(3):
        _mountain(picture, y, index)
    _snow(picture, y)
    _firs_and_houses(picture, x, y)
    flakes = smooth(3.1, 3.6, noise(21, 5, octaves=1)) + smooth(3.2, 3.8, noise(22, 9, octaves=1))
    shine(picture, (0.95, 0.97, 1.0), 0.55 * np.clip(flakes, 0, 1))
    bloom(picture, 0.72, 16.0, 0.7)
    return finish(picture, 17, vignette=0.26)


def _stars(picture: Field, y: Field) -> None:
    rng = np.random.default_rng(1)
    stars = np.zeros(y.shape, dtype=np.float32)
    stars[rng.integers(0, 460, 420), rng.integers(0, y.shape[1], 420)] = rng.pareto(1.5, 420).clip(0.2, 9)
    shine(picture, (0.9, 0.94, 1.0), np.clip(blur(stars, 0.5) * 2.4, 0, 1) * smooth(240, 60, y))


def _mountain(picture: Field, y: Field, index: int) -> None:
    ridged = np.abs(line_noise(30 + index, 300 - 60 * index, octaves=9, fade=0.52))
    line = _HORIZON - (205, 118, 52)[index] + (95, 60, 26)[index] * ridged
    rock = noise(40 + index, 70, 80, octaves=8, fade=0.62)
    facing = np.gradient(blur(rock, 0.9), axis=1) * 12
    depth = np.clip((y - line[None, :]) / (120, 90, 50)[index], 0, 1)
    snow = ramp(np.clip(0.5 + 0.35 * facing, 0, 1), [(0, "4a5f96"), (0.5, "8ea3cf"), (1, "f3cfc6")])
    stone = ramp(np.clip(0.5 + 0.3 * facing, 0, 1), [(0, "26335e"), (1, "5d6590")])
    paint(snow, stone, 0.75 * smooth(0.5, 1.4, rock + 1.1 * depth))
    if index == 2:
        forest = smooth(-0.6, 0.2, noise(45, 9, 14, octaves=4) + 1.2 * depth - 0.3)
        paint(snow, (0.13, 0.19, 0.30), 0.85 * forest)
    haze = np.array((0.72, 0.68, 0.78), dtype=np.float32)
    fog = ((0.30, 0.28, 0.22)[index] + 0.5 * depth**1.5)[..., None]
    paint(picture, snow + fog * (haze - snow), below(line.astype(np.float32), y))


def _snow(picture: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    drifts = ground_noise(plane, 5, 7.0, stretch=1.6, octaves=7, fade=0.5)
    crust = ground_noise(plane, 6, 0.5, octaves=6, fade=0.8)
    relief = np.gradient(blur(drifts, 0.8), axis=0) * 14
    shade = 0.52 + 0.09 * drifts + 0.03 * crust + 0.2 * np.clip(relief, -1, 1) * smooth(80, 20, plane.away)
    snow = ramp(shade, [(0, "33477f"), (0.4, "6f86ba"), (0.62, "a6b6dc"), (1, "f0eef8")])
    middle = 1.1 * np.sin(plane.away / 7.0) * smooth(2, 9, plane.away)
    off = np.abs(plane.across - middle) + 0.10 * ground_noise(plane, 7, 0.9, octaves=5)
    path = smooth(0.95, 0.7, off)
    steps = ground_noise(plane, 8, 0.34, octaves=4, fade=0.8)
    paint(snow, ramp(0.5 + 0.2 * steps, [(0, "2c3a66"), (0.5, "5d71a4"), (1, "9fb0d8")]), 0.75 * path)
    shine(snow, (1.0, 0.92, 0.95), 0.22 * smooth(0.45, 0.0, np.abs(off - 1.15)))
    glints = smooth(2.5, 2.9, ground_noise(plane, 9, 0.07, octaves=1)) * smooth(9, 4, plane.away)
    shine(snow, (1.0, 1.0, 1.0), 0.8 * glints)
    for house in _HOUSES:
        pool = np.exp(
            -(((plane.across - house.middle) / (0.6 * house.wide)) ** 2) - ((plane.away - house.away + 2.2) / 2.6) ** 2
        )
        shine(snow, (1.0, 0.62, 0.28), 0.55 * pool * (0.85 + 0.1 * crust))
    paint(snow, (0.80, 0.70, 0.78), np.clip(0.75 * np.exp(-(y - _HORIZON) / 13), 0, 1))
    paint(picture, snow, plane.lies)


def _firs_and_houses(picture: Field, x: Field, y: Field) -> None:
    """Everything that stands on the snow, far things first."""
    rng = np.random.default_rng(12)
    firs = [(float(z), float(rng.uniform(-0.95, 0.95) * z)) for z in 1 / rng.uniform(1 / 80, 1 / 15.0, 150)]
    firs = [(z, at) for z, at in firs if abs(at) > 3.4 + 0.12 * z and not any(house.covers(at, z) for house in _HOUSES)]
    things = [(z, at, -1) for z, at in firs] + [
        (house.away, house.middle, index) for index, house in enumerate(_HOUSES)
    ]
    for order, (z, at, house) in enumerate(sorted(things, reverse=True)):
        if house >= 0:
            paint_house(picture, x, y, _HOUSES[house], house)
            continue
        fog = min(0.7, z / 80)
        dark, light = _faded((0.05, 0.08, 0.16), fog), _faded((0.16, 0.24, 0.36), fog)
        foot = (640 + at / z * FOCAL, _HORIZON + EYE / z * FOCAL + 2)
        conifer(picture, 100 + order, foot, float(rng.uniform(3.5, 7.5)) / z * FOCAL, snow=0.42, dark=dark, light=light)


def _faded(colour: Colour, fog: float) -> Colour:
    mixed = np.array(colour) * (1 - fog) + np.array((0.62, 0.63, 0.78)) * fog
    return float(mixed[0]), float(mixed[1]), float(mixed[2])
