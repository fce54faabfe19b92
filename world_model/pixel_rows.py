"""Scattered pixels as a picture of short rows, which OpenCV takes as it takes any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROW: Final = 128  # OpenCV takes no rows of more than 32,767 pixels


def in_rows(pixels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices of pixels, at least one, as [n, ROW]. The last one fills the last row."""
    filled = np.full((-(-len(pixels) // ROW), ROW), pixels[-1], dtype=np.intp)
    filled.reshape(-1)[: len(pixels)] = pixels
    return filled
