"""Frames in another size than the one that a model makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.world_engine.world_engine import Frames


def scaled(frames: Frames, *, width: int, height: int) -> Frames:
    """Stretch frames [count, any, any, 3] to [count, height, width, 3]; the same bits give the same bits."""
    import cv2  # a server that starts has no need of it yet

    old_height, old_width = frames.shape[1:3]
    if (old_width, old_height) == (width, height):
        return frames
    result = np.empty((len(frames), height, width, 3), dtype=np.uint8)
    # The mean over an area does not flicker as samples of it would; enlarging has no area to take a mean of.
    method = cv2.INTER_AREA if width <= old_width and height <= old_height else cv2.INTER_LINEAR
    for frame, smaller in zip(frames, result, strict=True):
        cv2.resize(frame, (width, height), dst=smaller, interpolation=method)
    return result
