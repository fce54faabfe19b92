"""Textures and colours that the simulator does not have, so that a painted meadow is still ground and not a bush.

They go over what the network is given, never over what it is compared with: where things are does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch

from world_model.layers import FAR, GROUND, SKY, THINGS

if TYPE_CHECKING:
    from torch import Tensor

# What has a texture of its own. Near and far parts of a thing share one.
_SURFACES: Final = ((SKY,), (FAR,), (GROUND,), THINGS)
_LIKELY: Final = 0.7  # that a surface of a textured picture gets one
_FINEST: Final = 1.0  # pixels between two random values
_COARSEST: Final = 14.0
_STRONGEST: Final = 0.3  # standard deviation of the factor that colours are multiplied by
_TINT: Final = 0.12


def textured(picture: Tensor, layers: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture [1, 3, h, w] in 0..1 with a random texture and tint on each surface; `layers` is int64 [1, h, w]."""
    height, width = (int(size) for size in picture.shape[2:])
    factor = np.ones((3, height, width), dtype=np.float32)
    for surface in _SURFACES:
        if rng.random() < _LIKELY:
            covered = np.isin(layers[0].numpy(), surface)
            tint = rng.normal(0.0, _TINT, (3, 1, 1)).astype(np.float32)
            grain = rng.uniform(0.0, _STRONGEST) * _noise(height, width, rng)
            factor += covered * (grain[None] + tint)
    return (picture * torch.as_tensor(factor)[None]).clamp(0.0, 1.0)


def _noise(height: int, width: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
    """[height, width] of about unit variance and a random fineness along each axis: grass, bark, bricks, waves."""
    down, across = np.exp(rng.uniform(np.log(_FINEST), np.log(_COARSEST), 2))
    coarse = rng.normal(size=(max(2, round(height / down)), max(2, round(width / across)))).astype(np.float32)
    how = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=how), dtype=np.float32)
