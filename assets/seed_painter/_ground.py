"""A flat ground in perspective: the position of each pixel below the horizon, and noise painted on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from assets.seed_painter.canvas import OVERSAMPLING, WIDTH, Field, grid

FOCAL: Final = 763.0
EYE: Final = 1.6
_TILE: Final = 512  # texels of one noise tile
_TEXELS: Final = 8  # texels of one noise feature


@dataclass(frozen=True, slots=True)
class Ground:
    """Positions on the ground: `across` and `away` in metres from the eye; `lies` is 1 below the horizon.

    All arrays are [rows, columns].
    """

    horizon: float
    across: Field
    away: Field
    lies: Field


def ground(horizon: float) -> Ground:
    x, y = grid()
    away = FOCAL * EYE / np.maximum(y - horizon, 0.4)
    return Ground(
        horizon=horizon,
        across=((x - WIDTH / 2) / FOCAL * away).astype(np.float32),
        away=away.astype(np.float32),
        lies=np.clip(y - horizon + 0.5, 0.0, 1.0).astype(np.float32),
    )


def ground_noise(
    plane: Ground, seed: int, metres: float, *, stretch: float = 1.0, octaves: int = 8, fade: float = 0.64
) -> Field:
    """Fractal noise on the ground, with a deviation of about 1 near the eye. Features smaller than a pixel fade out.

    `stretch` is the ratio of a feature's width to its depth.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros_like(plane.away)
    pixel = plane.away**2 / (FOCAL * EYE * OVERSAMPLING)  # metres of ground per row
    weight, norm = 1.0, 0.0
    for _ in range(octaves):
        tile = rng.standard_normal((_TILE // _TEXELS, _TILE // _TEXELS)).astype(np.float32)
        tile = np.asarray(cv2.resize(np.tile(tile, (3, 3)), (3 * _TILE, 3 * _TILE), interpolation=cv2.INTER_CUBIC))
        tile = tile[_TILE : 2 * _TILE, _TILE : 2 * _TILE].astype(np.float32)
        u = np.mod(plane.across / (metres * stretch) * _TEXELS + 0.5 * _TILE, _TILE).astype(np.float32)
        v = np.mod(plane.away / metres * _TEXELS, _TILE).astype(np.float32)
        found = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        seen = np.clip(0.8 * metres / pixel - 0.4, 0.0, 1.0)
        total += weight * seen * np.asarray(found, dtype=np.float32)
        norm += weight**2
        metres, weight = metres / 2.1, weight * fade
    return (total / np.sqrt(norm) * 1.3).astype(np.float32)
