"""Estimates the row of a picture's horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.world_engine import Picture

_HIGHEST: Final = 0.36  # of the picture's height
_LOWEST: Final = 0.64
_EXPECTED: Final = 0.52
_SPREAD: Final = 0.05
_DOUBT: Final = 12.0  # grey levels; a weaker step hardly moves the estimate


def find_horizon(picture: Picture) -> float:
    """The row, in pixels, where the picture above differs most from the picture below.

    Photographers put horizons near the middle. So a clear step there wins over a clearer one farther away, rows outside
    the middle of the picture are not considered, and a picture without any step gets the usual position.
    """
    height = picture.shape[0]
    small = np.asarray(cv2.resize(picture, (64, 144), interpolation=cv2.INTER_AREA), dtype=np.float64)
    rows = np.arange(144) / 144
    score = _row_steps(small) * np.exp(-0.5 * ((rows - _EXPECTED) / _SPREAD) ** 2)
    score[(rows < _HIGHEST) | (rows > _LOWEST)] = 0.0
    best = int(np.argmax(score))
    trust = score[best] / (score[best] + _DOUBT)
    return float(round(height * (trust * rows[best] + (1.0 - trust) * _EXPECTED)))


def _row_steps(small: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean colour distance between the 10 rows above and the 10 rows below each row, averaged over columns."""
    total = np.cumsum(np.concatenate([np.zeros((1, *small.shape[1:])), small]), axis=0)
    reach = 10
    steps = np.zeros(small.shape[0])
    above = total[reach:-reach] - total[: -2 * reach]
    below = total[2 * reach :] - total[reach:-reach]
    steps[reach : reach + len(above)] = np.abs(below - above).mean(axis=(1, 2)) / reach
    return steps
