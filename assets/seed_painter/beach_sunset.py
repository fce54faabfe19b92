"""A tropical beach at sunset: the sun's road on the sea, foam, wet sand, leaning palms."""

from __future__ import annotations

import numpy as np

from assets.seed_painter._ground import ground, ground_noise
from assets.seed_painter._plants import blank, palm
from assets.seed_painter.canvas import (
    Field,
    below,
    bloom,
    blur,
    finish,
    grid,
    halo,
    line_noise,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "Beach at sunset"
DESCRIPTION = "The sun goes down behind the islands; foam runs up the wet sand between two groups of palms."

_HORIZON = 370.0
_SUN = (690.0, 326.0)
_SKY = [(0, "243a6b"), (0.3, "5b5590"), (0.52, "b5648a"), (0.72, "f08a62"), (0.9, "ffc06a"), (1, "ffe09a")]


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = _sky(x, y)
    for index, (base, height) in enumerate(((2.0, 17.0), (1.0, 30.0))):
        bump = np.exp(-(((x[0] - (330, 1060)[index]) / (210, 170)[index]) ** 2))
        line = _HORIZON + base - height * bump * (1.3 + 0.35 * line_noise(5 + index, 90, octaves=8, fade=0.55))
        paint(picture, ((0.60, 0.38, 0.46), (0.36, 0.24, 0.38))[index], below(line.astype(np.float32), y))
    _shore(picture, x, y)
    _palms(picture)
    bloom(picture, 0.84, 22.0, 0.5)
    return finish(picture, 13)


def _sky(x: Field, y: Field) -> Field:
    picture = ramp(y / _HORIZON, _SKY)
    high = noise(1, 520, 64, octaves=8, fade=0.6)
    low = noise(2, 260, 26, octaves=7, fade=0.6)
    mask = 0.85 * smooth(0.25, 1.9, high + 0.3 * low) * smooth(330, 180, y)
    edge = smooth(0.1, 0.9, high - np.roll(high, -24, axis=0))
    lit = ramp(np.clip(y / _HORIZON, 0, 1), [(0, "6a5c8c"), (0.4, "d0708a"), (0.8, "ffb070")])
    paint(picture, lit * (0.78 + 0.5 * edge[..., None]), mask)
    paint(picture, (0.40, 0.25, 0.42), 0.6 * smooth(0.9, 2.0, low) * smooth(240, 330, y) * smooth(368, 345, y))
    shine(picture, (1.0, 0.68, 0.36), 0.75 * halo(x, y, _SUN, 130.0))
    disc = smooth(27.5, 26.0, np.hypot(x - _SUN[0], y - _SUN[1]))
    paint(picture, (1.0, 0.95, 0.76), disc)
    return picture


def _shore(picture: Field, x: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    edge = (
        5.6
        + 0.35 * plane.across
        + 0.9 * np.sin(plane.across / 2.7 + 0.6)
        + 0.45 * ground_noise(plane, 3, 3.0, octaves=5)
    )
    sea_share = smooth(-0.05, 0.10, plane.away - edge)
    wave = ground_noise(plane, 4, 2.6, stretch=5.0, octaves=7, fade=0.72)
    glitter = ground_noise(plane, 5, 0.8, stretch=4.0, octaves=5, fade=0.8)
    reach = np.clip((y - _HORIZON) / 190, 0, 1)
    sea = ramp(np.clip(1 - reach - 0.10 * wave, 0, 1), _SKY[1:]) * np.array((0.72, 0.74, 0.82), dtype=np.float32)
    paint(sea, (0.10, 0.36, 0.42), 0.55 * smooth(0.25, 0.95, reach))
    road = np.exp(-(((x - _SUN[0]) / (26 + 0.42 * (y - _HORIZON))) ** 2))
    shine(sea, (1.0, 0.80, 0.45), road * smooth(-0.6, 1.3, wave + 0.8 * glitter) * 1.2)
    shine(sea, (1.0, 0.62, 0.50), 0.28 * smooth(0.5, 1.8, wave))

    dry = np.clip((edge - plane.away) / 1.5, 0, 1)
    grainy = ground_noise(plane, 6, 0.35, octaves=5, fade=0.85)
    dunes = ground_noise(plane, 7, 1.8, stretch=1.6, octaves=5)
    sand = ramp(0.5 + 0.06 * grainy + 0.11 * dunes, [(0, "4c2f36"), (0.4, "a06d5c"), (0.6, "cf9a78"), (1, "ffdcae")])
    wet = 1 - smooth(0.15, 0.75, dry + 0.08 * dunes)
    mirror = ramp(np.clip(1.1 - reach * 0.9, 0, 1), _SKY) * np.float32(0.82)
    shine(mirror, (1.0, 0.75, 0.42), 0.8 * road)
    paint(sand, mirror, 0.78 * wet)
    paint(picture, sand, plane.lies * (1 - sea_share))
    paint(picture, sea, plane.lies * sea_share)

    lace = ground_noise(plane, 8, 0.5, stretch=1.5, octaves=6, fade=0.8)
    for offset, width, strength in ((0.0, 0.16, 0.95), (1.5, 0.22, 0.75), (4.4, 0.35, 0.6), (10.0, 0.7, 0.45)):
        away = plane.away - edge - offset * (1 + 0.12 * np.sin(plane.across / 3 + offset))
        line = np.exp(-((away / width) ** 2)) + 0.55 * smooth(width * 5, 0, away) * (away > 0)
        paint(picture, (1.0, 0.88, 0.80), np.clip(line * smooth(-0.7, 0.9, lace) * strength, 0, 1) * plane.lies)
    shade = np.clip(1 - np.exp(-(((plane.away - edge + 0.12) / 0.08) ** 2)) * 0.3 * plane.lies, 0, 1)
    picture *= shade[..., None]


def _palms(picture: Field) -> None:
    mask = blank()
    palms = (
        (1, (64.0, 520.0), 430.0, 150.0), (2, (-6.0, 560.0), 330.0, 190.0), (3, (150.0, 470.0), 250.0, -50.0),
        (4, (1244.0, 500.0), 380.0, -130.0), (5, (1170.0, 452.0), 210.0, 60.0),
    )  # fmt: skip
    for seed, at, tall, lean in palms:
        palm(mask, seed, at, tall, lean, colour=1.0)
    x, y = grid()
    bush = noise(9, 22, 16, octaves=5, fade=0.7)
    for _, at, tall, _ in palms:
        flat = np.hypot((x - at[0]) / (tall * 0.42), np.maximum(at[1] - y, 0) / (tall * 0.11)) + 0.10 * bush
        mound = smooth(1.0, 0.93, flat) * smooth(at[1] + tall * 0.05, at[1] + tall * 0.03, y - tall * 0.012 * bush)
        mask = np.maximum(mask, mound)
    tone = ramp(np.clip(y / 560, 0, 1), [(0, "231a35"), (0.6, "2a1a2c"), (1, "3a2430")])
    rim = smooth(0.1, 0.7, mask - np.roll(mask, -3, axis=1)) + smooth(0.1, 0.7, mask - np.roll(mask, 3, axis=1))
    shine(tone, (1.0, 0.55, 0.35), 0.30 * rim)
    shadow = blur(np.roll(mask, 10, axis=0), 10, 5) * smooth(440, 520, y)
    paint(picture, (0.25, 0.14, 0.22), 0.35 * shadow)
    paint(picture, tone, mask)
