"""What the motion network looks at: how near things are from where the walker is by now.

A keyframe knows how near they were from its own place. The walker has come nearer to walls and things since, but not to
the ground, whose distance in a direction is what it was, unless the eye is higher or lower. So the keyframe's depth is
warped to the walker's place. Where the network was shown something else, walkers rose or sank on even ground.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from world_model.config import DISPARITY
from world_model.layers import CELL, CLOSEST, EYE_HEIGHT_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.config import ModelConfig
    from world_model.layers import Bytes, Floats

_ROUNDS: Final = 3  # of the fixed point
_BELOW: Final = 8  # cells below a keyframe's picture that a walker may see who steps back or looks down
_SIDEWAYS: Final = 0.1  # least share of the look that goes forward in the keyframe
_LEAST_LEFT: Final = 1e-3  # of a distance, at which one stands in what one has come to
_NOWHERE: Final = 1e-6  # 1/m, of the sky


def motion_view(config: ModelConfig, inverse_depth: Floats, relative_pose: Floats) -> Bytes:
    """The disparity of each cell of the relief, uint8 [4, h, w]; the colours are left at nothing.

    inverse_depth: [h / CELL, w / CELL], 1/m along the look of the keyframe; `relative_pose` is the walker's relative to
    the keyframe's, as `relative_pose_between` gives it. Disparity is 255 / (1 + metres in the horizontal plane).
    """
    aside, nearness = _seen_from(config, _with_ground_below(config, inverse_depth), relative_pose)
    metres = np.sqrt(1.0 + np.square(aside)) / np.clip(nearness, _NOWHERE, 1.0 / _LEAST_LEFT)
    disparity = np.rint(255.0 / (1.0 + metres)).astype(np.uint8)
    view = np.zeros((4, config.height, config.width), dtype=np.uint8)
    view[DISPARITY] = np.repeat(np.repeat(disparity, CELL, axis=0), CELL, axis=1)
    return view


def _with_ground_below(config: ModelConfig, inverse_depth: Floats) -> Floats:
    """The cells with `_BELOW` more rows, in which each column goes on as level ground does."""
    more = np.arange(1, _BELOW + 1, dtype=np.float32)[:, None] * np.float32(CELL / config.focal / EYE_HEIGHT_M)
    return np.concatenate([inverse_depth, inverse_depth[-1:] + more]).astype(np.float32)


def _seen_from(
    config: ModelConfig, inverse_depth: Floats, relative_pose: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the walker's looks lead, as tangents to the right in the keyframe, and the inverse depth that they meet
    there, along the look of the keyframe but from the walker's place."""
    right, up, forward, turn, slope, new_slope = (float(value) for value in relative_pose)
    rows, columns = len(inverse_depth) - _BELOW, len(inverse_depth[0])
    across, down = ((np.arange(cells) + 0.5 - 0.5 * cells) * (CELL / config.focal) for cells in (columns, rows))
    sin, cos = math.sin(turn), math.cos(turn)
    ahead = np.maximum(cos - across * sin, _SIDEWAYS)[None, :]
    aside = np.broadcast_to((across * cos + sin) / ahead, (rows, columns))
    rise = (new_slope - down)[:, None] / ahead
    nearness = _read(config, inverse_depth, aside, slope - rise)
    for _ in range(_ROUNDS):
        left = 1.0 + forward * nearness
        met = _read(config, inverse_depth, (aside + right * nearness) / left, slope - (rise + up * nearness) / left)
        nearness = met / np.maximum(1.0 - forward * met, _LEAST_LEFT)
    return aside, nearness


def _read(
    config: ModelConfig, inverse_depth: Floats, aside: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of the cells where these tangents lead."""
    rows, columns = len(inverse_depth) - _BELOW, len(inverse_depth[0])
    x, y = (
        (tangents * (config.focal / CELL) + 0.5 * cells - 0.5).astype(np.float32)
        for tangents, cells in ((aside, columns), (down, rows))
    )
    read = cv2.remap(inverse_depth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(read, 0.0, CLOSEST).astype(np.float64)
