"""An alien plain under a ringed planet: two moons, stars, crystals, glowing moss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from assets.seed_painter._ground import EYE, FOCAL, ground, ground_noise
from assets.seed_painter._plants import fill
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

Point: TypeAlias = "NDArray[np.float64]"

TITLE = "Under the ringed planet"
DESCRIPTION = "A violet plain with crystals and glowing moss; a giant with rings stands over the far range."

_HORIZON = 392.0
_PLANET = (890.0, 190.0)
_RADIUS = 150.0
_HUES: Final[NDArray[np.float64]] = np.array(((0.30, 0.85, 0.95), (0.75, 0.45, 0.95), (0.95, 0.55, 0.75)))


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = _space(x, y)
    _planet(picture, x, y)
    _moon(picture, x, y, (300.0, 112.0), 34.0, 31)
    _moon(picture, x, y, (468.0, 214.0), 13.0, 32)
    air = np.clip(np.exp(-(_HORIZON - y) / 105), 0, 1)
    paint(picture, ramp(y / _HORIZON, [(0, "2a2a66"), (0.7, "7a4f9a"), (1, "f0a0a8")]), 0.85 * air)
    for index in range(4):
        _range(picture, x, y, index)
    _plain(picture, x, y)
    _crystals(picture)
    bloom(picture, 0.72, 22.0, 0.55)
    return finish(picture, 14, vignette=0.25)


def _space(x: Field, y: Field) -> Field:
    picture = ramp(y / _HORIZON, [(0, "070a1e"), (0.5, "1b1b48"), (0.85, "5a3a7c"), (1, "c06a8c")])
    nebula = noise(1, 420, 200, octaves=8, fade=0.6)
    band = np.exp(-(((y - 150 + 0.28 * (x - 640) + 36 * noise(2, 300)) / 110) ** 2))
    shine(picture, (0.30, 0.55, 0.75), 0.42 * band * smooth(-0.5, 2.0, nebula))
    shine(picture, (0.80, 0.30, 0.55), 0.40 * band * smooth(0.2, 2.2, noise(3, 260, octaves=7)))
    rng = np.random.default_rng(4)
    stars = np.zeros(x.shape, dtype=np.float32)
    count = 1500
    rows, columns = rng.integers(0, x.shape[0] // 2, count), rng.integers(0, x.shape[1], count)
    stars[rows, columns] = rng.pareto(1.6, count).clip(0, 14) + 0.4
    glow = blur(stars, 0.45) * 2.2 + blur(stars * (stars > 6), 2.2) * 6
    shine(picture, (0.92, 0.94, 1.0), np.clip(glow, 0, 1) * smooth(380, 200, y))
    return picture


def _planet(picture: Field, x: Field, y: Field) -> None:
    """A banded giant lit from the upper left, its ring in front below and behind above."""
    dx, dy = x - _PLANET[0], y - _PLANET[1]
    tilt = -0.32
    along, across = dx * np.cos(tilt) + dy * np.sin(tilt), -dx * np.sin(tilt) + dy * np.cos(tilt)
    radius = np.hypot(along, across / 0.24)
    rng = np.random.default_rng(5)
    fine = rng.standard_normal(404)
    profile = np.clip(0.62 + 0.125 * (fine[:-4] + fine[1:-3] + fine[2:-2] + fine[3:-1] + fine[4:]), 0.04, 1)
    place = np.asarray(radius / _RADIUS, dtype=np.float64)
    found = np.interp(place, np.linspace(1.32, 2.35, 400), profile, left=0.0, right=0.0)
    ring = np.asarray(found, dtype=np.float32)
    ring *= smooth(1.30, 1.36, radius / _RADIUS) * smooth(2.36, 2.28, radius / _RADIUS)
    ring *= 1 - 0.93 * smooth(1.90, 1.92, radius / _RADIUS) * smooth(1.98, 1.96, radius / _RADIUS)
    lit = ramp(radius / _RADIUS, [(1.3, "a98a86"), (1.7, "f2d9b8"), (2.3, "b9a7b8")])
    behind = smooth(2, -2, across)
    shadow = smooth(1.06, 0.94, np.hypot(dx + 0.1 * dy - 60, dy + 34) / _RADIUS) * behind
    paint(picture, lit * (1 - 0.8 * shadow[..., None]), 0.85 * ring * behind)

    distance = np.hypot(dx, dy) / _RADIUS
    disc = smooth(1.004, 0.994, distance)
    bulge = np.sqrt(np.clip(1 - distance**2, 0, 1))
    level = across / _RADIUS / (0.6 + 0.4 * bulge) + 0.03 * noise(6, 220, 26, octaves=7, fade=0.62)
    belts = 0.5 + 0.26 * np.sin(level * 15 + 1.2) + 0.16 * np.sin(level * 37) + 0.05 * noise(7, 180, 8)
    body = ramp(belts, [(0, "7c3f4e"), (0.35, "c07a5f"), (0.6, "eab98a"), (1, "fbe8cc")])
    sun = np.clip((-0.62 * dx - 0.42 * dy) / _RADIUS + 0.66 * bulge, -0.2, 1)
    body = body * (0.03 + 1.02 * smooth(-0.15, 0.9, sun))[..., None]
    ring_shade = smooth(0.09, 0.03, np.abs(across / _RADIUS + 0.16 - 0.10 * bulge)) * 0.5
    paint(picture, body * (1 - ring_shade[..., None]), disc)
    shine(
        picture, (0.85, 0.65, 0.75), 0.5 * np.exp(-np.abs(distance - 1) * 26) * smooth(0.5, -0.7, (dx + dy) / _RADIUS)
    )
    paint(picture, lit, 0.92 * ring * (1 - behind))


def _moon(picture: Field, x: Field, y: Field, at: tuple[float, float], radius: float, seed: int) -> None:
    dx, dy = (x - at[0]) / radius, (y - at[1]) / radius
    distance = np.hypot(dx, dy)
    bulge = np.sqrt(np.clip(1 - distance**2, 0, 1))
    tone = 0.62 + 0.10 * noise(seed, radius * 0.9, octaves=6, fade=0.7)
    sun = smooth(-0.1, 0.9, np.clip(-0.62 * dx - 0.42 * dy + 0.6 * bulge, -1, 1))
    moon = (tone * sun)[..., None] * np.array((0.85, 0.88, 1.0), dtype=np.float32) + 0.03
    paint(picture, moon.astype(np.float32), smooth(1.02, 0.97, distance))


def _range(picture: Field, x: Field, y: Field, index: int) -> None:
    near = index / 3
    ridged = np.abs(line_noise(10 + index, 260 - 40 * index, octaves=9, fade=0.55))
    line = (
        _HORIZON
        - 4
        - (70, 58, 40, 22)[index] * (1.15 - 0.75 * np.clip(ridged, 0, 1.5)) * (0.6 + 0.4 * np.abs(x[0] - 760) / 640)
    )
    mask = below(line.astype(np.float32), y)
    rock = noise(20 + index, 40, 70, octaves=7, fade=0.68)
    facing = np.clip(0.45 + 1.1 * np.gradient(blur(rock, 1.0), axis=1) * 4 + 0.12 * rock, 0, 1)
    stone = ramp(facing, [(0, "1d1638"), (0.5, "4b3564"), (1, "c58aa0")])
    haze = ramp(np.clip((y - line[None, :]) / 80, 0, 1), [(0, "8a5a96"), (1, "e2949f")])
    fog = np.clip(0.80 - 0.55 * near + 0.25 * np.clip((y - line[None, :]) / 80, 0, 1), 0, 1)
    paint(picture, stone + fog[..., None] * (haze - stone), mask)


def _plain(picture: Field, x: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    broad, fine = ground_noise(plane, 6, 4.0, octaves=8, fade=0.66), ground_noise(plane, 7, 0.3, octaves=5, fade=0.85)
    relief = np.gradient(blur(broad, 0.7), axis=1) * 5
    shade = 0.42 + 0.10 * broad + 0.06 * fine + 0.16 * np.clip(relief, -1, 1)
    soil = ramp(shade, [(0, "120d26"), (0.3, "33244f"), (0.55, "6a4672"), (0.8, "b07c90"), (1, "f0c0b0")])
    cracks = np.abs(ground_noise(plane, 8, 2.2, octaves=6, fade=0.6))
    vein = (
        smooth(0.085, 0.0, cracks)
        * smooth(-0.2, 0.8, ground_noise(plane, 9, 7.0, octaves=3))
        * smooth(26, 9, plane.away)
    )
    paint(soil, (0.07, 0.05, 0.14), 0.5 * smooth(0.16, 0.05, cracks))
    shine(soil, (0.10, 0.95, 0.85), 0.95 * vein)
    shine(soil, (0.08, 0.60, 0.62), 0.40 * blur(vein, 7, 4))
    moss = smooth(0.75, 1.5, ground_noise(plane, 10, 3.0, octaves=8, fade=0.7))
    paint(
        soil,
        ramp(0.5 + 0.25 * fine, [(0, "063440"), (0.5, "15808a"), (1, "7df0d0")]),
        0.75 * moss * smooth(70, 24, plane.away),
    )
    shine(soil, (0.95, 0.62, 0.60), 0.36 * np.exp(-(y - _HORIZON) / 42))
    shine(soil, (0.9, 0.7, 0.6), 0.22 * halo(x, y, (_PLANET[0], _HORIZON + 60), 240.0))
    paint(picture, soil, plane.lies)


def _crystals(picture: Field) -> None:
    """Clusters of hexagonal shards, far ones first, each shard with a lit, a shaded and a front face."""
    rng = np.random.default_rng(12)
    for depth in np.sort(rng.uniform(5.5, 46.0, 30))[::-1]:
        z = float(depth)
        x = float(rng.uniform(-0.86, 0.86)) * z
        if abs(x) < 1.9 + 0.08 * z:
            continue
        size = FOCAL / z
        root = np.array([640 + x * size, _HORIZON + EYE * size])
        fog = min(0.8, z / 60)
        for _ in range(rng.integers(3, 7)):
            tall, wide = rng.uniform(0.5, 2.0) * size, rng.uniform(0.10, 0.24) * size
            lean = rng.normal(0, 0.32)
            up: Point = np.array((lean * tall, -tall), dtype=np.float64)
            right: Point = np.array((wide, 0.25 * wide * lean))
            drift = (float(rng.normal(0, 0.28 * size)), float(rng.uniform(-0.02, 0.1)) * size)
            foot: Point = root + np.array(drift)
            tip: Point = foot + up * 1.18
            hue: Point = _HUES[int(rng.integers(3))]
            for left, mid, tone in ((-1.0, -0.25, 1.05), (-0.25, 0.45, 0.55), (0.45, 1.0, 0.25)):
                base = foot + left * right
                end = foot + mid * right
                face = np.stack((base, base + up, tip, end + up * 0.95, end))
                colour = hue * tone * (1 - fog) + np.array((0.85, 0.58, 0.64)) * fog
                fill(picture, face, (float(colour[0]), float(colour[1]), float(colour[2])))
