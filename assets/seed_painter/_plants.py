"""Plants drawn stroke by stroke: grass blades on a ground, conifers, palms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from assets.seed_painter._ground import EYE, FOCAL
from assets.seed_painter.canvas import COLUMNS, OVERSAMPLING, ROWS, WIDTH, Colour, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SHIFT = 4  # fractional bits of drawn coordinates


def fill(canvas: Field, points: NDArray[np.float64], colour: Colour | float) -> None:
    """Fill a polygon [n, 2] in final pixels, in place."""
    corners = np.rint(points * OVERSAMPLING * (1 << _SHIFT)).astype(np.int32)
    tone = colour if isinstance(colour, tuple) else (colour,)
    cv2.fillPoly(canvas, [corners], tone, lineType=cv2.LINE_8, shift=_SHIFT)


def stroke(canvas: Field, points: NDArray[np.float64], thickness: NDArray[np.float64], colour: Colour | float) -> None:
    """Draw a brush stroke through `points` [n, 2] with varying `thickness` [n], in final pixels, in place."""
    run = np.gradient(points, axis=0)
    normal = np.stack([-run[:, 1], run[:, 0]], axis=1) / (np.hypot(run[:, 0], run[:, 1])[:, None] + 1e-6)
    side = normal * thickness[:, None] / 2
    fill(canvas, np.concatenate([points + side, (points - side)[::-1]]), colour)


def grass(
    picture: Field, seed: int, *, horizon: float, tufts: int, height: float, colours: list[Colour],
    nearest: float = 2.6, farthest: float = 16.0, bare: Callable[[float, float], bool] | None = None, lean: float = 0.3,
) -> None:  # fmt: skip
    """Draw tufts of grass `height` metres tall between two distances, except where `bare(across, away)` is true."""
    rng = np.random.default_rng(seed)
    away = 1.0 / rng.uniform(1 / farthest, 1 / nearest, tufts) if tufts else np.zeros(0)
    for z in np.sort(away)[::-1]:
        x = rng.uniform(-1.0, 1.0) * z * (WIDTH / 2 / FOCAL + 0.08)
        if bare is not None and bare(float(x), float(z)):
            continue
        root = np.array([WIDTH / 2 + x / z * FOCAL, horizon + EYE / z * FOCAL])
        for _ in range(rng.integers(4, 9)):
            tall = height * rng.uniform(0.35, 1.0) / z * FOCAL
            bend = rng.normal(0.0, lean) * tall
            t = np.linspace(0.0, 1.0, 5)
            foot = root + rng.normal(0, 0.03, 2) * np.array((FOCAL / z, 0.2 * FOCAL / z))
            points = np.stack([foot[0] + bend * t**2, foot[1] - tall * t * (1 - 0.25 * t)], axis=1)
            colour = np.array(colours[rng.integers(len(colours))]) * rng.uniform(0.75, 1.2)
            stroke(
                picture, points, 0.012 * FOCAL / z * (1.05 - t), (float(colour[0]), float(colour[1]), float(colour[2]))
            )


def conifer(canvas: Field, seed: int, at: tuple[float, float], tall: float, *, snow: float = 0.0,
            dark: Colour = (0.05, 0.09, 0.08), light: Colour = (0.16, 0.24, 0.17)) -> None:  # fmt: skip
    """A fir standing at `at` (final pixels), branch by branch from the bottom up; `snow` (0 to 1) whitens its tips."""
    rng = np.random.default_rng(seed)
    x, foot = at
    width = tall * rng.uniform(0.17, 0.22)
    bough = 0.55 / (1.0 + tall / 160.0)
    stroke(canvas, np.array([[x, foot], [x, foot - tall]]), np.array([tall * 0.035, 0.5]), dark)
    for level in np.linspace(0.10, 0.99, int(24 + tall / 7)):
        reach = width * (1.02 - level) ** 0.85
        for side in (-1, 1):
            for _ in range(3 + int(tall / 90)):
                long = reach * rng.uniform(0.55, 1.1)
                start = np.array([x, foot - tall * (level + rng.uniform(-0.03, 0.03))])
                tip = start + np.array((side * long, long * rng.uniform(0.25, 0.55)))
                points = np.stack([start, (start + tip) / 2 - np.array((0, long * 0.06)), tip])
                share = rng.uniform(0, 1) ** 1.5 * (0.4 + 0.6 * level)
                colour = np.array(dark) * (1 - share) + np.array(light) * share
                if rng.uniform() < snow:
                    colour = np.array((0.70, 0.78, 0.92)) * rng.uniform(0.6, 1.0)
                stroke(
                    canvas,
                    points,
                    np.array([0.3, 0.42, 0.06]) * long * bough,
                    (float(colour[0]), float(colour[1]), float(colour[2])),
                )


def palm(
    canvas: Field, seed: int, at: tuple[float, float], tall: float, lean: float, *, colour: Colour | float
) -> None:
    """A leaning palm in silhouette: a tapering trunk and feathered fronds."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 1.0, 24)
    trunk = np.stack([at[0] + lean * t**1.6, at[1] - tall * t], axis=1)
    stroke(canvas, trunk, tall * (0.045 - 0.022 * t) * (1 + 0.12 * (np.arange(24) % 2)), colour)
    crown = trunk[-1]
    for angle in np.linspace(-0.25, np.pi + 0.25, 11) + rng.normal(0, 0.12, 11):
        long = tall * rng.uniform(0.36, 0.5)
        along = np.stack(
            [np.cos(angle) * t, -np.sin(angle) * t * 0.8 + (0.42 + 0.25 * abs(np.cos(angle))) * t**2.2], axis=1
        )
        rib = crown + along * long
        stroke(canvas, rib, long * 0.025 * (1.1 - t), colour)
        for point, share in zip(rib[2:], t[2:], strict=True):
            blade = long * 0.30 * np.sin(np.pi * share**0.8) + 1.0
            for side in (-1, 1):
                tip = point + np.array(
                    (side * 0.35 * blade + np.cos(angle) * 0.5 * blade, blade * rng.uniform(0.7, 1.0))
                )
                stroke(canvas, np.stack([point, tip]), np.array([long * 0.03, 0.3]), colour)


def blank() -> Field:
    """An empty mask, [ROWS, COLUMNS]."""
    return np.zeros((ROWS, COLUMNS), dtype=np.float32)
