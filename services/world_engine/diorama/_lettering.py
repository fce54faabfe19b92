"""Finds a line of lettering in the lower half of a picture: five letters or more of one colour on one base line."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from services.world_engine.diorama._cut import COLUMNS, ROWS
from services.world_engine.diorama.constants import HEIGHT, WIDTH

if TYPE_CHECKING:
    from services.world_engine.diorama._cut import Mask
    from services.world_engine.world_engine import Picture

_SCALE: Final = 2  # pixels of the picture in one that is looked at
_HIGHEST: Final = 0.55  # of the picture's height; lettering above it is not walked over
_BELOW_HORIZON: Final = 20  # the following numbers are pixels of that size
_WHITE: Final = 224  # of OpenCV's 255 for L
_BLACK: Final = 26
_GREY: Final = 14  # distance from grey in a and b
_VIVID: Final = 72
_HEIGHTS: Final = (9, 80)
_NARROWEST: Final = 2
_FEWEST: Final = 5
_PIXELS: Final = 14  # that a letter has at least
_FULL: Final = 0.18  # share of its box that a letter fills at least
_MARGIN: Final = 0.35  # of a letter's height, for its outline and shadow


class _Letter(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def find_lettering(picture: Picture, horizon: float) -> Mask:
    """1 in the boxes of lines of lettering; [ROWS, COLUMNS]. `picture` is [HEIGHT, WIDTH, 3]."""
    width, height = WIDTH // _SCALE, HEIGHT // _SCALE
    first = int(max(horizon / _SCALE + _BELOW_HORIZON, _HIGHEST * height))
    small = cv2.resize(picture[first * _SCALE :], (width, height - first), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.int32)
    light, chroma = lab[..., 0], (lab[..., 1] - 128) ** 2 + (lab[..., 2] - 128) ** 2
    result = np.zeros((height, width), dtype=np.uint8)
    is_white, is_black, is_vivid = (light > _WHITE) & (chroma < _GREY**2), light < _BLACK, chroma > _VIVID**2
    for colour in (is_white, is_black, is_vivid):
        for line in _lines(_letters(colour.astype(np.uint8))):
            margin = int(_MARGIN * line.height)
            rows = slice(max(0, first + line.top - margin), first + line.bottom + margin)
            result[rows, max(0, line.left - margin) : line.right + margin] = 1
    return np.asarray(cv2.resize(result, (COLUMNS, ROWS), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _letters(mask: Mask) -> list[_Letter]:
    """What may be a letter, the highest first."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height, area = np.asarray(stats[1:], dtype=np.int64).T  # the first is what is around them
    is_fit = (
        (height >= _HEIGHTS[0])
        & (height <= _HEIGHTS[1])
        & (width >= _NARROWEST)
        & (width <= 2.2 * height)
        & (area >= np.maximum(_PIXELS, _FULL * width * height))
    )
    boxes = np.stack([left, top, left + width, top + height], axis=1)[is_fit]
    found = [_Letter(*(int(edge) for edge in box)) for box in boxes]
    return sorted(found, key=lambda letter: (-letter.height, letter.left))


def _lines(letters: list[_Letter]) -> list[_Letter]:
    """The boxes of rows of letters that stand on one line, at most a letter's height apart."""
    lines: list[_Letter] = []
    left = list(letters)
    while left:
        first = left[0]
        off = max(2.0, 0.14 * first.height)
        row = [one for one in left if abs(one.bottom - first.bottom) <= off and one.height >= 0.6 * first.height]
        row.sort()
        gaps = [after.left - before.right for before, after in itertools.pairwise(row)]
        if len(row) >= _FEWEST and min(gaps) >= -2 and float(np.percentile(gaps, 80)) <= 0.9 * first.height:
            lines.append(_Letter(row[0].left, min(one.top for one in row), row[-1].right, first.bottom))
            left = [one for one in left if one not in row]
        else:
            left = left[1:]
    return lines
