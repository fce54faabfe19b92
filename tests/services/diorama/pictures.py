"""Pictures that the diorama's tests walk through: a landscape and awkward ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.world_engine.diorama.constants import HEIGHT, WIDTH

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture


def landscape() -> Picture:
    """A smooth sky over ground with tiles in perspective; nothing in it is dark."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[...] = np.array((120, 160, 220)) + 0.1 * (y[..., None] * (0.9, 0.6, 0.0))
    depth = 1200 / np.maximum(y - 375, 1)
    tiles = np.sin(depth * 3) * np.sin((x - 640) / 763 * depth * 3)
    ground = np.array((150, 130, 100)) + 50 * tiles[..., None]
    return np.where((y > 375)[..., None], ground, picture).clip(0, 255).astype(np.uint8)


def page() -> Picture:
    """Lines of black words on white paper."""
    picture = flat(255)
    for row in range(30, 700, 60):
        for column in range(40, 1200, 90):
            picture[row : row + 22, column : column + 60 + (column * row) % 25] = 0
    return picture


def noise() -> Picture:
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def checkerboard() -> Picture:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.repeat((((x // 40 + y // 40) % 2) * 255)[..., None], 3, axis=2).astype(np.uint8)


def gradient() -> Picture:
    ramp = np.linspace(0, 255, WIDTH)[None, :, None]
    return np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def flat(level: int) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), level, dtype=np.uint8)


def awkward() -> dict[str, Picture]:
    return {
        "black": flat(0),
        "white": flat(255),
        "noise": noise(),
        "checkerboard": checkerboard(),
        "gradient": gradient(),
    }


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return float("inf") if error == 0.0 else 10.0 * float(np.log10(255.0**2 / error))
