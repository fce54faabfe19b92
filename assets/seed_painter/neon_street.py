"""A narrow city street on a rainy night: lit windows, neon signs, their reflections on wet asphalt."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from assets.seed_painter._ground import EYE, FOCAL, ground, ground_noise
from assets.seed_painter._plants import fill
from assets.seed_painter.canvas import (
    COLUMNS,
    OVERSAMPLING,
    WIDTH,
    Colour,
    Field,
    bloom,
    blur,
    finish,
    grid,
    halo,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "Neon street in the rain"
DESCRIPTION = "Shop fronts and signs down a wet street at night; every light is there twice."

_HORIZON: Final = 380.0
_HALF: Final = 5.2  # metres from the middle of the street to the fronts
_NEON: Final[tuple[Colour, ...]] = (
    (1.0, 0.16, 0.46),
    (0.10, 0.85, 1.0),
    (1.0, 0.62, 0.12),
    (0.55, 0.30, 1.0),
    (0.25, 1.0, 0.55),
)


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = ramp(y / _HORIZON, [(0, "05060f"), (0.5, "11142b"), (0.85, "33264d"), (1, "6b3a66")])
    paint(picture, (0.30, 0.20, 0.36), 0.30 * smooth(0, 2, noise(1, 300, 120)))
    _fronts(picture, x, y)
    shine(picture, (0.95, 0.45, 0.62), 0.55 * halo(x, y, (640.0, _HORIZON - 14), 70.0))
    _signs(picture)
    _cables(picture)
    bloom(picture, 0.62, 10.0, 0.85)
    _asphalt(picture, x, y)
    _rain(picture)
    return finish(picture, 16, vignette=0.3, grain=0.014)


def _fronts(picture: Field, x: Field, y: Field) -> None:
    """Both rows of buildings, met by each pixel's ray; each building has its own height, tone and windows."""
    grime = noise(2, 40, 90, octaves=6)
    for side in (-1, 1):
        rng = np.random.default_rng(20 + side)
        start = 3.0
        while start < 150:
            length = float(rng.uniform(6.5, 11.0))
            ends = sorted(
                (WIDTH / 2 + side * _HALF * FOCAL / start, WIDTH / 2 + side * _HALF * FOCAL / (start + length))
            )
            columns = slice(*(int(np.clip(end * OVERSAMPLING, 0, COLUMNS)) for end in ends))
            if columns.start < columns.stop:
                away = _HALF * FOCAL / np.abs(x[:, columns] - WIDTH / 2)
                height = EYE + (_HORIZON - y[:, columns]) / FOCAL * away
                seed, top = int(rng.integers(1 << 30)), float(rng.uniform(9, 26))
                mask = smooth(top, top - 0.05, height) * (height > 0)
                facade = _facade(away - start, height, grime[:, columns], seed, length)
                fog = 1 - np.exp(-np.clip(away - 12, 0, None) / 85)
                paint(facade, (0.36, 0.20, 0.40), np.clip(0.85 * fog, 0, 1))
                paint(picture[:, columns], facade, mask)
            start += length


def _facade(place: Field, height: Field, grime: Field, seed: int, length: float) -> Field:
    """One front: windows above, a shop and its board below; `place` and `height` in metres."""
    rng = np.random.default_rng(seed)
    wall = np.array(((0.10, 0.09, 0.13), (0.13, 0.09, 0.10), (0.07, 0.09, 0.13), (0.12, 0.11, 0.11))[rng.integers(4)])
    surface = (wall * (1 + 0.16 * grime[..., None])).astype(np.float32)
    _windows(surface, place, height, rng)

    hue = np.array(_NEON[rng.integers(5)]) * 0.42 + np.array((0.95, 0.74, 0.50)) * 0.58
    shop = smooth(0.5, 0.55, height) * smooth(2.75, 2.70, height) * smooth(0.35, 0.4, place)
    shop = shop * smooth(length - 0.35, length - 0.4, place)
    inside = 0.70 + 0.35 * smooth(1.0, 2.6, height) + 0.05 * grime
    # Goods on shelves and a few people: dark shapes of their own height, each soft at its edges.
    slots = np.clip(place / 0.42, 0, 39).astype(int)
    bump = 1 - (2 * np.mod(place / 0.42, 1.0) - 1) ** 4
    things = 0.5 + (rng.uniform(0.2, 1.25, 40) * rng.choice((1.0, 0.45), 40))[slots] * bump
    dark = smooth(0.06, -0.06, height - things) * (0.25 + 0.5 * rng.uniform(0, 1, 40))[slots]
    posts = smooth(0.06, 0.03, np.abs(np.mod(place, 2.1) - 1.05))
    paint(surface, (hue * (inside * (1 - dark) * (1 - 0.85 * posts))[..., None]).astype(np.float32), shop)
    colour = np.array(_NEON[rng.integers(5)], dtype=np.float32)
    board = smooth(2.85, 2.90, height) * smooth(3.50, 3.45, height) * smooth(0.7, 0.75, place)
    board = board * smooth(length - 0.7, length - 0.75, place)
    slot, within = np.floor(place / 0.55), np.mod(place / 0.55, 1.0)
    bars = rng.integers(0, 2, (40, 5))[np.clip(slot, 0, 39).astype(int)]
    up = (height - 3.175) / 0.19
    flat = bars[..., 0] * (np.abs(up - 0.8) < 0.16) + bars[..., 1] * (np.abs(up) < 0.16)
    flat = flat + bars[..., 2] * (np.abs(up + 0.8) < 0.16)
    tall = bars[..., 3] * (np.abs(within - 0.25) < 0.09) + bars[..., 4] * (np.abs(within - 0.7) < 0.09)
    letter = flat + tall
    letter = np.clip(letter, 0, 1) * (np.abs(up) < 0.96) * (within > 0.15) * (within < 0.8)
    paint(surface, colour * np.float32(0.14), board)
    paint(surface, colour, (board * letter).astype(np.float32))
    return surface


def _windows(surface: Field, place: Field, height: Field, rng: np.random.Generator) -> None:
    wide, floor = float(rng.uniform(1.1, 1.9)), float(rng.uniform(2.8, 3.3))
    column, row = np.floor(place / wide), np.floor((height - 3.7) / floor)
    lit, tone = rng.uniform(0, 1, (16, 16)), rng.integers(0, 4, (16, 16))
    index = (np.clip(row, 0, 15).astype(int), np.clip(column, 0, 15).astype(int))
    u, v = np.mod(place / wide, 1.0), np.mod((height - 3.7) / floor, 1.0)
    glass = smooth(0.16, 0.20, u) * smooth(0.84, 0.80, u) * smooth(0.22, 0.25, v) * smooth(0.80, 0.77, v) * (row >= 0)
    tones = np.array(((1.0, 0.72, 0.38), (1.0, 0.85, 0.60), (0.55, 0.75, 1.0), (0.95, 0.45, 0.55)), dtype=np.float32)
    inner = tones[tone[index]] * (0.30 + 0.55 * v[..., None]) * (0.55 + 0.45 * lit[index][..., None])
    unlit = np.array((0.05, 0.07, 0.12)) + 0.05 * v[..., None]
    pane = np.where(lit[index][..., None] > 0.58, inner, unlit).astype(np.float32)
    bar = smooth(0.03, 0.015, np.abs(u - 0.5))
    paint(surface, pane * (1 - 0.7 * bar[..., None]), glass)
    paint(surface, (0.19, 0.17, 0.21), smooth(0.10, 0.05, np.abs(v - 0.12)) * (row >= 0) * 0.5)


def _signs(picture: Field) -> None:
    """Upright signs that stand out from the fronts, far ones first: a frame and made-up letters."""
    rng = np.random.default_rng(7)
    spots = sorted(
        (
            (float(z), int(s))
            for z, s in zip(1 / rng.uniform(1 / 70, 1 / 8.5, 34), rng.choice((-1, 1), 34), strict=True)
        ),
        reverse=True,
    )
    for z, side in spots:
        scale = FOCAL / z
        low, tall, wide = rng.uniform(3.8, 7.0), rng.uniform(1.6, 4.0), rng.uniform(0.55, 0.9)
        outer, inner = side * (_HALF - 0.1), side * (_HALF - 0.1 - wide)
        left, right = 640 + min(outer, inner) * scale, 640 + max(outer, inner) * scale
        bottom, top = _HORIZON - (low - EYE) * scale, _HORIZON - (low + tall - EYE) * scale
        colour = np.array(_NEON[rng.integers(5)])
        dim = 0.55 + 0.45 * np.exp(-z / 40)
        _rectangle(picture, left, top, right, bottom, colour * 0.13)
        edge = 0.05 * scale
        for box in (
            (left, top, right, top + edge),
            (left, bottom - edge, right, bottom),
            (left, top, left + edge, bottom),
            (right - edge, top, right, bottom),
        ):
            _rectangle(picture, *box, colour * dim)
        glyphs = max(2, int(tall / wide / 0.95))
        pitch = (bottom - top) / glyphs
        letter = np.array((1.0, 0.95, 0.9)) if rng.uniform() < 0.4 else np.array(_NEON[rng.integers(5)])
        for glyph in range(glyphs):
            _glyph(
                picture,
                rng,
                (
                    left + 2.6 * edge,
                    top + glyph * pitch + 2 * edge,
                    right - 2.6 * edge,
                    top + (glyph + 1) * pitch - 2 * edge,
                ),
                edge,
                letter * dim,
            )


def _rectangle(
    picture: Field,
    left: float,
    top: float,
    right: float,
    bottom: float,
    colour: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    corners = np.array(((left, top), (right, top), (right, bottom), (left, bottom)))
    fill(picture, corners, (float(colour[0]), float(colour[1]), float(colour[2])))


def _glyph(
    picture: Field,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    edge: float,
    colour: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    """A few straight strokes on a grid of three by three: letters of nobody's script."""
    left, top, right, bottom = box
    xs, ys = (left, (left + right) / 2, right), (top, (top + bottom) / 2, bottom)
    for _ in range(4):
        a, b, c = (int(index) for index in rng.integers(0, 3, 3))
        if rng.uniform() < 0.5:
            _rectangle(picture, xs[0], ys[a] - edge / 2, xs[1 + b % 2], ys[a] + edge / 2, colour)
        else:
            _rectangle(picture, xs[c] - edge / 2, ys[0], xs[c] + edge / 2, ys[1 + b % 2], colour)


def _cables(picture: Field) -> None:
    rng = np.random.default_rng(9)
    for z in (9.0, 14.0, 21.0, 34.0):
        for _ in range(3):
            heights = EYE - rng.uniform(6.5, 9.5, 2)
            t = np.linspace(-1, 1, 40)
            y = heights.mean() + (heights[1] - heights[0]) * t / 2 + 0.7 * (1 - t**2)
            points = np.stack([640 + t * _HALF * FOCAL / z, _HORIZON + y * FOCAL / z], axis=1)
            cv2.polylines(
                picture,
                [np.rint(points * OVERSAMPLING).astype(np.int32)],
                isClosed=False,
                color=(0.02, 0.02, 0.04),
                thickness=max(1, int(40 / z)),
            )


def _asphalt(picture: Field, x: Field, y: Field) -> None:
    """The street mirrors what is above it: sharp in puddles, drawn out where the asphalt is rough."""
    plane = ground(_HORIZON)
    rough = ground_noise(plane, 3, 0.12, octaves=4, fade=0.8)
    ripple = ground_noise(plane, 4, 0.9, stretch=2.0, octaves=6, fade=0.7)
    pools = smooth(
        0.15,
        0.75,
        ground_noise(plane, 5, 3.4, stretch=1.3, octaves=6, fade=0.55) + 0.5 * smooth(3.2, 4.4, np.abs(plane.across)),
    )
    bend = (0.6 + 2.6 * (1 - pools)) * ripple * (y - _HORIZON) / 90
    # The mirror image of a front at the street's edge, in the same column.
    rows = (2 * _HORIZON - y + 2 * EYE / _HALF * np.abs(x - WIDTH / 2) + 2.2 * bend) * OVERSAMPLING - 0.5
    columns = (x + bend) * OVERSAMPLING - 0.5
    clear = np.asarray(
        cv2.remap(
            picture,
            columns.astype(np.float32),
            rows.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )
    drawn = blur(clear.astype(np.float32), 3.0, 26.0)
    grain = np.clip(0.85 + 0.16 * rough, 0.3, 1.4)[..., None]
    tar = np.array((0.030, 0.032, 0.045), dtype=np.float32) * (1 + 0.35 * rough[..., None])
    street = tar + drawn * np.float32(0.95) * grain
    paint(street, clear * np.float32(0.88) + np.float32(0.01), 0.9 * pools)
    kerb = np.abs(np.abs(plane.across) - 3.6)
    paint(street, (0.16, 0.14, 0.19), 0.5 * smooth(0.14, 0.08, kerb))
    stripe = smooth(0.10, 0.07, np.abs(plane.across)) * (np.mod(plane.away, 5.0) < 2.2) * smooth(60, 25, plane.away)
    paint(street, (0.62, 0.58, 0.58), 0.42 * stripe * (1 - 0.5 * pools) * np.clip(0.8 + 0.3 * rough, 0, 1))
    paint(picture, street.astype(np.float32), plane.lies * smooth(_HALF + 0.02, _HALF - 0.02, np.abs(plane.across)))
    haze = np.exp(-np.abs(y - _HORIZON) / 16) * np.exp(-(((x - 640) / 130) ** 2))
    shine(picture, (0.95, 0.50, 0.66), 0.6 * haze)


def _rain(picture: Field) -> None:
    streaks = smooth(2.1, 3.4, noise(11, 2.2, 46, octaves=2)) + 0.8 * smooth(2.2, 3.4, noise(12, 1.2, 26, octaves=2))
    light = blur(picture, 30).mean(axis=2)
    shine(picture, (0.75, 0.80, 1.0), 0.7 * streaks * np.clip(light * 1.8, 0.08, 0.7))
