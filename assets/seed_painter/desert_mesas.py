"""A desert at late afternoon: banded mesas and buttes, rippled sand, long shadows."""

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

TITLE = "Desert of mesas"
DESCRIPTION = "Banded buttes in the last hour of sun; sand ripples, scrub and a track towards the gap."

_HORIZON = 388.0

# Middle, half width, height above the horizon, nearness; farther ones first.
_MESAS = (
    (980.0, 150.0, 62.0, 0.10),
    (505.0, 90.0, 78.0, 0.18),
    (700.0, 46.0, 104.0, 0.30),
    (1190.0, 170.0, 150.0, 0.55),
    (300.0, 62.0, 168.0, 0.66),
    (60.0, 150.0, 236.0, 0.90),
)


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = ramp(y / _HORIZON, [(0, "2f6396"), (0.45, "6d9cb9"), (0.8, "d9cbb0"), (1, "f3d3a2")])
    streaks = noise(1, 620, 46, octaves=7, fade=0.58) + 0.6 * noise(2, 240, 60)
    paint(
        picture,
        ramp(y / _HORIZON, [(0, "f4e6d6"), (1, "ffd9a8")]),
        0.8 * smooth(0.4, 2.2, streaks) * smooth(370, 150, y),
    )
    shine(picture, (1.0, 0.75, 0.42), 0.5 * halo(x, y, (1360.0, 250.0), 420.0))
    for index, mesa in enumerate(_MESAS):
        _mesa(picture, x, y, index, *mesa)
    _sand(picture, x, y)
    bloom(picture, 0.86, 24.0, 0.35)
    return finish(picture, 12)


def _mesa(
    picture: Field, x: Field, y: Field, index: int, middle: float, half: float, height: float, near: float
) -> None:
    """A cliff with banded walls over a skirt of scree; the sun is on the right."""
    rough = line_noise(20 + index, 26 + 60 * near, octaves=7, fade=0.6)
    columns = line_noise(30 + index, 9 + 20 * near, octaves=5, fade=0.75)
    across = (x - middle) / half
    wall = smooth(1.0, 0.93, np.abs(across) + 0.022 * noise(40 + index, 40, 26, octaves=7, fade=0.65))
    top = _HORIZON - height * (1.0 + 0.02 * rough - 0.07 * np.tanh(4 * line_noise(50 + index, half * 0.5, octaves=3)))
    cliff = wall * below(top.astype(np.float32), y)
    skirt_line = _HORIZON - 0.46 * height * np.exp(
        -(np.maximum(np.abs(x[0] - middle) - 0.86 * half, 0) / (0.55 * height)) * 1.5
    )
    skirt_line = skirt_line - (2 + 5 * near) * line_noise(60 + index, 40, octaves=6, fade=0.6)
    skirt = below(skirt_line.astype(np.float32), y) * smooth(_HORIZON + 14, _HORIZON + 4, y)

    level = (_HORIZON - y) / height + 0.012 * noise(70 + index, 160, 20) + 0.01 * rough[None, :]
    bands = 0.5 + 0.5 * np.sin(level * 31 + 2.2 * np.sin(level * 11 + index)) * np.clip(level + 0.3, 0, 1)
    rock = ramp(bands, [(0, "7d3a26"), (0.45, "a9542f"), (0.75, "c8743f"), (1, "e0a06a")])
    cracks = columns[None, :] + 0.7 * noise(80 + index, 8 + 12 * near, 70, octaves=5, fade=0.7)
    side = smooth(-1.0, 0.75, across + 0.16 * columns[None, :] + 0.22 * np.gradient(blur(cracks, 0.8), axis=1) * 5)
    rock = rock * (0.38 + 0.86 * side + 0.075 * cracks)[..., None] + (1 - side)[..., None] * np.array(
        (0.03, 0.03, 0.09)
    )
    scree = ramp(
        0.5 + 0.2 * noise(90 + index, 22, 12, octaves=6, fade=0.7), [(0, "6f3a27"), (0.5, "a5603b"), (1, "d79b66")]
    )
    scree = scree * (0.55 + 0.55 * smooth(-1.6, 1.3, across))[..., None]

    haze = np.array((0.90, 0.74, 0.62), dtype=np.float32) * (1 - near) + np.array((0.80, 0.58, 0.46)) * near
    fog = 0.72 * (1 - near) ** 1.2
    paint(picture, (rock + fog * (haze - rock)).astype(np.float32), cliff)
    paint(picture, (scree + fog * (haze - scree)).astype(np.float32), skirt)


def _sand(picture: Field, x: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    broad = ground_noise(plane, 5, 9.0, stretch=2.0)
    fine = ground_noise(plane, 6, 0.5, octaves=4, fade=0.8)
    bend = 1.6 * ground_noise(plane, 7, 5.0, octaves=3)
    seen = np.clip(7.0 / plane.away - 0.35, 0, 1)
    ripples = np.sin(2 * np.pi * (plane.away / 0.42 + 0.25 * plane.across + bend)) * seen
    shade = 0.5 + 0.10 * broad + 0.055 * fine + 0.07 * ripples
    sand = ramp(shade, [(0, "5d2c22"), (0.3, "a35f3a"), (0.52, "cf8f55"), (0.75, "ecbd82"), (1, "ffe3b0")])

    middle = _track(plane.away)
    for side in (-0.62, 0.62):
        rut = np.exp(-(((plane.across - middle - side) / (0.17 + 0.004 * plane.away)) ** 2))
        paint(sand, (0.47, 0.25, 0.16), 0.5 * rut * (0.8 + 0.2 * fine.clip(-1, 1)) * smooth(60, 20, plane.away))

    stones = smooth(1.7, 1.9, ground_noise(plane, 8, 0.20, octaves=3)) * smooth(16, 7, plane.away)
    paint(sand, (0.33, 0.17, 0.14), 0.7 * np.maximum(np.roll(stones, -4, axis=1), np.roll(stones, 3, axis=0)))
    paint(sand, (0.80, 0.53, 0.35), 0.9 * stones)
    dark = smooth(1.1, 1.9, ground_noise(plane, 9, 5.0, octaves=5, fade=0.7))
    paint(sand, (0.42, 0.24, 0.17), 0.4 * dark * smooth(90, 30, plane.away))

    shadow = smooth(430, 250, x + 0.9 * (y - _HORIZON) + 26 * noise(13, 120, 30)) * smooth(
        560, 400, y + 14 * noise(14, 160, 30)
    )
    sand = sand * (1 - 0.55 * shadow[..., None] * np.array((1.0, 0.85, 0.6))).astype(np.float32)
    haze = np.exp(-(y - _HORIZON) / 26)
    paint(sand, (0.90, 0.70, 0.52), np.clip(0.6 * haze, 0, 1))
    paint(picture, sand, smooth(-1.0, 1.0, y - _HORIZON))
    brush = [hexa("4c4a2a"), hexa("7d7340"), hexa("b59a5c"), hexa("3a2c20")]
    grass(
        picture,
        15,
        horizon=_HORIZON,
        tufts=190,
        height=0.34,
        colours=brush,
        farthest=34.0,
        bare=lambda across, away: bool(abs(across - _track(away)) < 1.3),
        lean=0.45,
    )


def _track(away: Field | float) -> Field:
    """The middle of the wheel track, metres from the axis."""
    return 0.5 * np.sin(away / 6.5) + 0.018 * away
