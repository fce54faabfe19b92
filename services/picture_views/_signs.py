"""Three signs by which close-ups differ from places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.world_engine import Picture

_WIDTH: Final = 320
_HEIGHT: Final = 180
_HORIZON: Final = 0.52 * _HEIGHT  # where photographers put it
_REACH: Final = 305.0  # rows times metres: how far below the horizon the ground lies at a distance
_STEPS: Final = (3.4, 0.4)  # metres from the home of one copy, and of the next, half way from one to the other


class Signs(NamedTuple):
    """`doubled` is in grey levels, the others are shares."""

    doubled: float
    layered: float
    plain: float


def signs_of(picture: Picture) -> Signs:
    """The signs of what a world shows of `picture`, which may have any size."""
    small = cv2.resize(middle(picture), (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    small = np.asarray(small, dtype=np.uint8)
    return Signs(_doubled(small), _layered(small), _plain(small))


def middle(picture: Picture) -> Picture:
    """What a world shows of a picture with another shape."""
    height, width = picture.shape[:2]
    rows, columns = min(height, max(1, width * _HEIGHT // _WIDTH)), min(width, max(1, height * _WIDTH // _HEIGHT))
    top, left = (height - rows) // 2, (width - columns) // 2
    return picture[top : top + rows, left : left + columns]


def _doubled(small: NDArray[np.uint8]) -> float:
    """How much of the ground a walk would show twice: mean grey levels, fine detail apart.

    The diorama goes on from one copy of the picture to the next. This is how much two copies of its ground differ.
    """
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.2), dtype=np.float32)
    rows = np.arange(int(_HORIZON) + 15, _HEIGHT, dtype=np.float32)[:, None]
    columns = np.arange(_WIDTH, dtype=np.float32)[None, :]
    drop = rows - np.float32(_HORIZON)
    distance = np.float32(_REACH) / drop
    middle = np.float32((_WIDTH - 1) / 2)
    copies: list[NDArray[np.float32]] = []
    for step in _STEPS:
        shrink = distance / (distance + np.float32(step))
        seen_rows = np.broadcast_to(np.float32(_HORIZON) + drop * shrink, (len(rows), _WIDTH))
        copy = cv2.remap(
            soft,
            (middle + (columns - middle) * shrink).astype(np.float32),
            np.ascontiguousarray(seen_rows, dtype=np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        copies.append(np.asarray(copy, dtype=np.float32))
    return float(np.abs(copies[0] - copies[1]).mean())


def _layered(small: NDArray[np.uint8]) -> float:
    """How far rows of one colour each explain the picture, 0 to 1: a place has its sky above its ground."""
    tiny = cv2.cvtColor(cv2.resize(small, (64, 36), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    colours = np.asarray(tiny, dtype=np.float64)
    return float(colours.mean(axis=1).var(axis=0).sum() / (colours.var(axis=(0, 1)).sum() + 20.0))


def _plain(small: NDArray[np.uint8]) -> float:
    """How much of the lower quarter has one colour, 0 to 1: paper does, and hardly any ground."""
    levels = small[_HEIGHT * 3 // 4 :].astype(np.int64) // 8
    colours = (levels[..., 0] * 32 + levels[..., 1]) * 32 + levels[..., 2]
    return float(np.bincount(colours.ravel()).max() / colours.size)
