"""From peeled depths to labels: which layer each pixel belongs to, and its inverse depth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from world_model.layers import FAR, FAR_FROM_M, GROUND, NEAREST_M, PEEL_LAYERS, PEELS_M, SKY, THING_EDGES_M, THINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN: Final = 255  # in place of a layer, where nobody knows what is hidden
_SAME_M: Final = 1e-3  # depths that differ by less show the same surface
_NEAREST_THING: Final = tuple(max({FAR, *THINGS} & set(layers)) for layers in PEEL_LAYERS)


def layers_of(depths: NDArray[np.float32], land: NDArray[np.float32], *, is_closed: bool = False) -> NDArray[np.uint8]:
    """The layer of each pixel, [peels, h, w], from depths [peels, h, w] by `PEELS_M`.

    `land` [h, w] is the depth without any thing: what is nearer is a thing. What a peel keeps of things that reach over
    its distance counts among the layers that the peel has. In a closed place those are walls, and what lies behind them
    is `UNKNOWN`.
    """
    layer: NDArray[np.uint8] = np.full(depths.shape, THINGS[0], dtype=np.uint8)
    for nearer, edge in zip(THINGS[1:], THING_EDGES_M, strict=True):
        layer[depths < edge] = nearer
    layer = np.minimum(layer, np.array(_NEAREST_THING, dtype=np.uint8)[:, None, None])
    layer[depths > land - _SAME_M] = GROUND
    layer[depths >= FAR_FROM_M] = FAR
    layer[np.isinf(depths)] = SKY
    if is_closed:
        nearer_than = np.array(PEELS_M, dtype=np.float32)[:, None, None]
        layer[(depths < nearer_than) & (layer != GROUND)] = UNKNOWN
    return layer


def inverse_depths_of(depths: NDArray[np.float32], focal: float) -> NDArray[np.float16]:
    """Inverse depth along the look, [..., h, w], from horizontal distances; 0 for the sky.

    `focal` is in pixels of these pictures.
    """
    width = depths.shape[-1]
    aside = (np.arange(width, dtype=np.float64) + (0.5 - 0.5 * width)) / focal
    return (np.sqrt(1.0 + np.square(aside)) / np.maximum(depths, 0.5 * NEAREST_M)).astype(np.float16)


def focal_of(width: int, fov_deg: float) -> float:
    """Focal length in pixels."""
    return 0.5 * width / math.tan(0.5 * math.radians(fov_deg))
