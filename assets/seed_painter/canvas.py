"""The painter's tools: grids, noise, colour ramps, masks, light. Pictures are float32 [height, width, 3], 0 to 1.

Everything is painted at twice the final size and reduced at the end, but lengths are given in final pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Field: TypeAlias = NDArray[np.floating]
Colour: TypeAlias = tuple[float, float, float]

WIDTH: Final = 1280
HEIGHT: Final = 720
OVERSAMPLING: Final = 2
ROWS: Final = HEIGHT * OVERSAMPLING
COLUMNS: Final = WIDTH * OVERSAMPLING


def grid() -> tuple[Field, Field]:
    """x and y of every pixel's centre, [ROWS, COLUMNS] each."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    return (x + 0.5) / OVERSAMPLING, (y + 0.5) / OVERSAMPLING


def hexa(code: str) -> Colour:
    """The colour given by six hex digits."""
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


def smooth(low: float, high: float, value: Field) -> Field:
    """Smoothstep: 0 up to `low`, 1 from `high` on. If `high` is below `low`, it is reversed."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return t * t * (3.0 - 2.0 * t)


def ramp(t: Field, stops: Sequence[tuple[float, str]]) -> Field:
    """Colours for the values `t`, interpolated linearly between the stops: [..., 3]."""
    places = [place for place, _ in stops]
    channels = zip(*(hexa(code) for _, code in stops), strict=True)
    return np.stack([np.interp(t, places, channel) for channel in channels], axis=-1).astype(np.float32)


def resize(field: Field, columns: int, rows: int, method: int = cv2.INTER_CUBIC) -> Field:
    return np.asarray(cv2.resize(field, (columns, rows), interpolation=method), dtype=np.float32)


def blur(field: Field, sigma_x: float, sigma_y: float | None = None) -> Field:
    """Gaussian blur with sigmas in final pixels."""
    vertical = sigma_x if sigma_y is None else sigma_y
    return np.asarray(
        cv2.GaussianBlur(
            field, (0, 0), max(0.01, sigma_x * OVERSAMPLING), sigmaY=max(0.01, vertical * OVERSAMPLING),
            borderType=cv2.BORDER_REFLECT,
        ),
        dtype=np.float32,
    )  # fmt: skip


def noise(seed: int, cell_x: float, cell_y: float | None = None, *, octaves: int = 5, fade: float = 0.55) -> Field:
    """Fractal noise for the whole canvas, mean 0, deviation 1. `cell` is the size of the largest features."""
    rng = np.random.default_rng(seed)
    total = np.zeros((ROWS, COLUMNS), dtype=np.float32)
    across, down, weight = cell_x, cell_x if cell_y is None else cell_y, 1.0
    for _ in range(octaves):
        shape = (int(HEIGHT / down) + 4, int(WIDTH / across) + 4)
        if min(across, down) * OVERSAMPLING < 1.0:
            break
        layer = rng.standard_normal(shape).astype(np.float32)
        scale_x, scale_y = across * OVERSAMPLING, down * OVERSAMPLING
        shift = np.array([[1 / scale_x, 0, 1.0], [0, 1 / scale_y, 1.0]], dtype=np.float32)
        total += weight * np.asarray(
            cv2.warpAffine(layer, shift, (COLUMNS, ROWS), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP),
            dtype=np.float32,
        )
        across, down, weight = across / 2, down / 2, weight * fade
    return (total - total.mean()) / total.std()


def line_noise(seed: int, cell: float, *, octaves: int = 6, fade: float = 0.5) -> Field:
    """Fractal noise along x, [COLUMNS], mean 0, deviation 1."""
    rng = np.random.default_rng(seed)
    places = (np.arange(COLUMNS) + 0.5) / OVERSAMPLING
    total = np.zeros(COLUMNS)
    weight = 1.0
    for _ in range(octaves):
        knots = rng.standard_normal(int(WIDTH / cell) + 5)
        index = places / cell + 1.0
        left = index.astype(int)
        t = index - left
        t = t * t * (3 - 2 * t)
        total += weight * (knots[left] * (1 - t) + knots[left + 1] * t)
        cell, weight = cell / 2, weight * fade
    return ((total - total.mean()) / total.std()).astype(np.float32)


def below(line: Field, y: Field, softness: float = 0.8) -> Field:
    """A mask of everything below a line, which is given per column."""
    return np.clip((y - line[None, :]) / softness + 0.5, 0.0, 1.0).astype(np.float32)


def paint(picture: Field, colour: Field | Colour, mask: Field) -> None:
    """Blend `colour` (a single colour or a picture) over `picture` with the opacity `mask`, in place."""
    picture += mask[..., None] * (np.asarray(colour, dtype=np.float32) - picture)


def shine(picture: Field, colour: Colour, amount: Field) -> None:
    """Add light without clipping, in place ("screen" blending)."""
    light = np.asarray(colour, dtype=np.float32) * np.clip(amount, 0.0, 1.0)[..., None]
    picture += light * (1.0 - np.clip(picture, 0.0, 1.0))


def halo(x: Field, y: Field, at: tuple[float, float], radius: float) -> Field:
    """A soft round light: 1 at the centre, with long tails."""
    return (1.0 / (1.0 + ((x - at[0]) ** 2 + (y - at[1]) ** 2) / radius**2) ** 1.5).astype(np.float32)


def bloom(picture: Field, threshold: float, sigma: float, strength: float) -> None:
    """Let bright parts glow into their surroundings, in place."""
    bright = np.clip(picture - threshold, 0.0, None)
    small = np.asarray(cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), dtype=np.float32)
    glow = blur(small, sigma / 4) + 0.5 * blur(small, sigma)
    picture += strength * np.asarray(cv2.resize(glow, (COLUMNS, ROWS)), dtype=np.float32)


def finish(picture: Field, seed: int, *, grain: float = 0.010, vignette: float = 0.18) -> NDArray[np.uint8]:
    """Apply vignette, tone curve, reduction and grain: uint8 [HEIGHT, WIDTH, 3]."""
    x, y = grid()
    corner = ((x / WIDTH - 0.5) ** 2 + (y / HEIGHT - 0.5) ** 2) * 2.0
    lit = picture * (1.0 - vignette * corner[..., None])
    lit = np.where(lit > 0.8, 0.8 + 0.2 * np.tanh((lit - 0.8) / 0.2), lit)
    small = resize(lit.astype(np.float32), WIDTH, HEIGHT, cv2.INTER_AREA)
    rng = np.random.default_rng(seed)
    speckle = rng.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32)
    speckle = speckle + 0.5 * rng.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32)
    return np.rint(np.clip(small + grain * speckle, 0.0, 1.0) * 255).astype(np.uint8)
