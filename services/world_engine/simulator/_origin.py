"""Derives from a seed picture which procedural world it selects: a number, and a colour that tints it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.world_engine.simulator._constants import HEIGHT, WIDTH

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture


@dataclass(frozen=True, slots=True)
class Origin:
    """The seed number of a world, and the mean colour of its picture (sRGB, 0 to 1)."""

    number: int
    red: float
    green: float
    blue: float


def origin_of(picture: Picture, rng_seed: int) -> Origin:
    """The origin for a picture and `rng_seed`. It depends on the picture's bytes, so each picture has its own world.

    Raises:
        ValueError: the picture's size or type differs from the spec.
    """
    if picture.shape != (HEIGHT, WIDTH, 3) or picture.dtype != np.uint8:
        raise ValueError(
            f"The simulator needs a uint8 picture of {HEIGHT}x{WIDTH}x3, not {picture.dtype} {picture.shape}."
        )
    digest = hashlib.sha256(np.ascontiguousarray(picture).tobytes())
    digest.update(str(rng_seed).encode())
    red, green, blue = (float(value) for value in picture.mean(axis=(0, 1)) / 255.0)
    return Origin(int.from_bytes(digest.digest()[:8], "little"), red, green, blue)
