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
    result = picture.astype(np.float32)
    if hole.any():
        step = max(1, int(_REACH * hole.shape[1] / _SAMPLES))
        about = _surroundings(hole, step * _SAMPLES)
        result[about] = _filled(picture[about], hole[about], step)
    return result


def mix_in(picture: NDArray[np.uint8], half: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`picture`, [h, w, 3] of even sides, mixed with `half`, the same at half the size, by `share` [h, w], 0 to 1."""
    result = picture.copy()
    left, top, width, height = cv2.boundingRect((share > 0.0).astype(np.uint8))
    rows, columns = (
        slice(max(0, top // 2 - 1), (top + height) // 2 + 1),
        slice(max(0, left // 2 - 1), (left + width) // 2 + 1),
    )
    large = np.asarray(cv2.resize(half[rows, columns], None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR))
    window = (
        slice(2 * rows.start, 2 * rows.start + len(large)),
        slice(2 * columns.start, 2 * columns.start + large.shape[1]),
    )
    mixed = picture[window] + (large - picture[window]) * share[window][..., None]
    result[window] = np.rint(np.clip(mixed, 0.0, 255.0)).astype(np.uint8)
    return result


def _surroundings(hole: NDArray[np.bool_], reach: int) -> tuple[slice[int, int, None], slice[int, int, None]]:
    """The part of a picture that decides how its hole is filled, `reach` columns to either side."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    top, bottom = max(0, int(rows[0]) - _SOFT[1]), int(rows[-1]) + 1 + _SOFT[1]
    left, right = max(0, int(columns[0]) - 1 - reach), int(columns[-1]) + 2 + reach
    return slice(top, bottom, None), slice(left, right, None)


def _filled(picture: NDArray[np.uint8], hole: NDArray[np.bool_], step: int) -> NDArray[np.float32]:
    colours = picture.astype(np.float32)
    left, right, share = _ends(hole)
    rows = np.arange(len(hole))[:, None]
    across = _beside(picture, hole, -step)[rows, left]
    across += (_beside(picture, hole, step)[rows, right] - across) * share[..., None]
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


def _beside(picture: NDArray[np.uint8], hole: NDArray[np.bool_], step: int) -> NDArray[np.float32]:
    """`picture`, in whose pixels next to a hole are median colours of what lies away from it.

    `step` is the columns from one sample to the next: negative for pixels at the left of holes, positive for those at
    their right.
    """
    beyond = np.zeros_like(hole)
    if step < 0:
        beyond[:, :-1] = hole[:, 1:]
    else:
        beyond[:, 1:] = hole[:, :-1]
    rows, columns = np.nonzero(~hole & beyond)
    seen = np.clip(columns[:, None] + step * np.arange(_SAMPLES, dtype=np.int64)[None, :], 0, hole.shape[1] - 1)
    samples = picture[rows[:, None], seen].astype(np.float32)
    samples[hole[rows[:, None], seen]] = np.nan
    result = picture.astype(np.float32)
    if len(rows):
        result[rows, columns] = np.nanmedian(samples, axis=1)
    return result
