"""What may lie where nobody has looked: the picture that a world began with, mirrored side by side all around.

A landscape goes on much as it begins. The images join each other without a seam, but for the one behind the back of who
started there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from world_model.config import ModelConfig

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Panorama:
    """A pure function of its arguments; any number of threads may call."""

    def __init__(self, config: ModelConfig) -> None:
        self._fov, self._focal = config.fov, config.focal
        self._half_w, self._half_h = 0.5 * config.width - 0.5, 0.5 * config.height - 0.5
        self._aside = ((np.arange(config.width) - self._half_w) / self._focal).astype(np.float32)
        self._down = ((np.arange(config.height) - self._half_h) / self._focal).astype(np.float32)

    def look(self, picture: Bytes, home_slope: float, turn: float, slope: float) -> Bytes:
        """The view [h, w, 3] in the direction that is `turn` to the right of the one in which `picture`, uint8
        [h, w, 3], was seen. Radians; slopes are tangents of looking up."""
        angle = np.arctan(self._aside) + turn
        # A triangle wave: forth through the picture and back through its mirror image.
        within = np.abs((angle + 0.5 * self._fov) % (2.0 * self._fov) - self._fov)
        aside = np.tan(0.5 * self._fov - within)[None, :].astype(np.float32)
        # What a column shows keeps its height over its distance from the eye.
        up = (slope - self._down)[:, None] * np.sqrt((1.0 + aside * aside) / (1.0 + self._aside[None, :] ** 2))
        x = np.broadcast_to(aside * self._focal + self._half_w, up.shape)
        y = (home_slope - up) * self._focal + self._half_h
        seen = cv2.remap(
            picture, np.ascontiguousarray(x), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(seen, dtype=np.uint8)


def turn_between(before: float, after: float) -> float:
    """From one yaw to another, the shorter way round."""
    return math.remainder(after - before, 2.0 * math.pi)
