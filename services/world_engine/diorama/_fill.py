"""Fills what things hide: in a landscape, a row of the picture goes on behind them as it was beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACH: Final = 0.14  # of the width, beside a hole, whose colours go on into it
_SAMPLES: Final = 15  # colours taken there; their median ignores small things
_SOFT: Final = (3, 7)  # columns and rows over which a hole is mixed, or its rows would show as streaks


def fill_rows(picture: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`picture`, [h, w, 3], each row of the hole faded from the colour at its left end to that at its right end."""
    colours = picture.astype(np.float32)
    left, right, share = _ends(hole)
    rows = np.arange(len(hole))[:, None]
    across = _beside(picture, hole, -1)[rows, left]
    across += (_beside(picture, hole, 1)[rows, right] - across) * share[..., None]
    across = np.where(hole[..., None], across, colours)
    return np.where(hole[..., None], np.asarray(cv2.blur(across, _SOFT), dtype=np.float32), colours)


def _ends(hole: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
    """For each pixel the nearest known columns to its left and right, and how far it is from one to the other.

    Where one of them is missing both are the other; in a row without any, the pixel itself.
    """
    width = hole.shape[1]
    columns = np.broadcast_to(np.arange(width, dtype=np.int64), hole.shape)
    left = np.maximum.accumulate(np.where(hole, -1, columns), axis=1)
    right = np.minimum.accumulate(np.where(hole, width, columns)[:, ::-1], axis=1)[:, ::-1]
    has_left, has_right = left >= 0, right < width
    share = ((columns - left) / np.maximum(right - left, 1)).astype(np.float32)
    share = np.where(has_left & has_right, share, np.where(has_left, np.float32(0.0), np.float32(1.0)))
    first, last = np.where(has_left, left, columns), np.where(has_right, right, columns)
    return first, last, np.asarray(share, dtype=np.float32)


def _beside(picture: NDArray[np.uint8], hole: NDArray[np.bool_], direction: int) -> NDArray[np.float32]:
    """`picture`, in whose pixels next to a hole are median colours of what lies away from it.

    `direction` is -1 for pixels at the left of holes and 1 for those at their right.
    """
    beyond = np.zeros_like(hole)
    if direction < 0:
        beyond[:, :-1] = hole[:, 1:]
    else:
        beyond[:, 1:] = hole[:, :-1]
    rows, columns = np.nonzero(~hole & beyond)
    step = max(1, int(_REACH * hole.shape[1] / _SAMPLES))
    steps = np.arange(0, step * _SAMPLES, step, dtype=np.int64)
    seen = np.clip(columns[:, None] + direction * steps[None, :], 0, hole.shape[1] - 1)
    samples = picture[rows[:, None], seen].astype(np.float32)
    samples[hole[rows[:, None], seen]] = np.nan
    result = picture.astype(np.float32)
    if len(rows):
        result[rows, columns] = np.nanmedian(samples, axis=1)
    return result
