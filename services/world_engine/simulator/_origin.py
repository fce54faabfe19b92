"""Which world a seed picture stands for: its number, and the colours it leans towards."""

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
    """A world's number, and the mean colour of its picture (sRGB, 0 to 1)."""

    number: int
    red: float
    green: float
    blue: float


def origin_of(picture: Picture, rng_seed: int) -> Origin:
    """A function of the picture's bytes and `rng_seed`: each picture has a world of its own.

    Raises:
        ValueError: the picture has another size or type than the spec's.
    """
    if picture.shape != (HEIGHT, WIDTH, 3) or picture.dtype != np.uint8:
        raise ValueError(
            f"The simulator needs a uint8 picture of {HEIGHT}x{WIDTH}x3, not {picture.dtype} {picture.shape}."
        )
    digest = hashlib.sha256(np.ascontiguousarray(picture).tobytes())
    digest.update(str(rng_seed).encode())
    red, green, blue = (float(value) for value in picture.mean(axis=(0, 1)) / 255.0)
    return Origin(int.from_bytes(digest.digest()[:8], "little"), red, green, blue)
