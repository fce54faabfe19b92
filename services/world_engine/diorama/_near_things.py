"""Finds what reaches into a picture from its lower edge and is no ground: a cup, a hand, a gun, a line of lettering.

Nothing tells the depth of such a thing, so only what is plain to see counts: a thing has one sharp outline, is much
plainer inside than at it, stops well below the horizon, and has colours that the ground elsewhere does not have. Paths,
streams and carpets run up to the horizon, shores and shadows fill half of the edge or have soft outlines. A thing that
is not found is drawn as ground, as is everything else there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from services.world_engine.diorama._cut import COLUMNS, ROWS, STEP
from services.world_engine.diorama._lettering import find_lettering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from services.world_engine.diorama._cut import Mask
    from services.world_engine.diorama._geometry import Field
    from services.world_engine.world_engine import Picture

_BELOW_HORIZON: Final = 5  # pixels of the mask; what reaches higher is no near thing
_WIDEST: Final = 0.55  # of the width
_LARGEST: Final = 0.2  # of the picture
_SMALLEST: Final = 250  # pixels of the mask
_LOWEST: Final = 14  # pixels from its top to the lower edge
_FOOT: Final = 12  # pixels of the lower edge that it covers
_RARE: Final = 0.004  # share of the ground farther aside that may have a thing's colour
_GROUND_ABOUT: Final = 0.5  # share of a thing's surroundings that has colours of the ground
_EDGE: Final = 9.0  # a step of colour (CIELAB) from pixel to pixel that parts things
_SHARP: Final = 6.0  # a step that an outline has nearly all along
_SHARP_SHARE: Final = 0.75
_PLAIN: Final = 1 / 3  # how strong steps inside a thing are, against those of its outline

_BULGING: Final = 0.85  # share of its convex hull that a part of common colour fills, which hangs on a thing
_REACH: Final = 28  # pixels from a thing to the ends of what hangs on it
_DOUBT: Final = 29  # pixels across a thing's outline, where more of it may be
_NOTCH: Final = 13

_BANDS: Final = 8  # columns of the ground, whose colours are counted apart
_ASIDE: Final = 4  # bands between a thing and the ground that it is compared with
_SHADES: Final = (12, 15, 15)  # steps of L, a and b in which colours are counted
_CHROMA: Final = 60.0  # of a and b, beyond which no further colours are told apart


def find_near_things(picture: Picture, horizon: float) -> Mask:
    """1 where a near thing or lettering is, of `picture`, [HEIGHT, WIDTH, 3]; [ROWS, COLUMNS]. Mostly all 0."""
    small = np.asarray(cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    lab = _cielab(small)
    first = int(horizon / STEP) + 3
    rarity = _rarity(np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), dtype=np.float32), first)
    things = _standing_out(rarity < _RARE, _steps(lab), horizon / STEP)
    if things.any():
        things = _outlined(small, things, int(horizon / STEP) + _BELOW_HORIZON)
    return things | find_lettering(picture, horizon)


def _cielab(picture: Picture) -> Field:
    """L (0 to 100), a and b. They come from OpenCV's bytes, which are the same on every machine."""
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), dtype=np.float32)
    lab[..., 0] *= 100 / 255
    lab[..., 1:] -= 128
    return lab


def _rarity(lab: Field, first: int) -> Field:
    """The share of the ground well aside of each pixel that has its colour; 1 above row `first`."""
    ground, band = lab[first:], COLUMNS // _BANDS
    light, green, blue = _SHADES
    chroma = (ground[..., 1:] + _CHROMA) / (2 * _CHROMA) * np.array([green, blue], dtype=np.float32)
    shade_l = np.clip(ground[..., 0] / 100 * light, 0, light - 1).astype(np.int64)
    shade_a = np.clip(chroma[..., 0], 0, green - 1).astype(np.int64)
    shade_b = np.clip(chroma[..., 1], 0, blue - 1).astype(np.int64)
    shades = (shade_l * green + shade_a) * blue + shade_b
    counts = np.empty((_BANDS, *_SHADES), dtype=np.float32)
    for index in range(_BANDS):
        own = shades[:, index * band : (index + 1) * band]
        counts[index] = np.bincount(own.ravel(), minlength=light * green * blue).reshape(_SHADES) / own.size
    for axis in (1, 2, 3):  # a colour stands for its neighbours, too
        counts = counts + np.float32(0.9) * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    result = np.ones(lab.shape[:2], dtype=np.float32)
    for index in range(_BANDS):
        aside = [other for other in range(_BANDS) if abs(other - index) >= _ASIDE]
        columns = slice(index * band, (index + 1) * band)
        result[first:, columns] = counts[aside].mean(axis=0).ravel()[shades[:, columns]]
    return result


def _steps(lab: Field) -> Field:
    """How much the colour changes from pixel to pixel."""
    slopes = [np.asarray(cv2.Sobel(lab, cv2.CV_32F, x, y), dtype=np.float32) / 8 for x, y in ((1, 0), (0, 1))]
    return np.sqrt((slopes[0] ** 2 + slopes[1] ** 2).sum(axis=2)).astype(np.float32)


def _standing_out(rare: NDArray[np.bool_], steps: Field, horizon: float) -> Mask:
    """The parts of `rare`, from outline to outline, that are things, with what belongs to them: 1, all else 0."""
    closed = np.asarray(cv2.morphologyEx(rare.astype(np.uint8), cv2.MORPH_CLOSE, _disc(3)), dtype=np.uint8)
    parts = _parts(closed, steps, horizon)
    things = _either(part for part, is_fit in parts if is_fit and _stands_alone(part, rare))
    if not things.any():
        return things
    first = int(horizon) + _BELOW_HORIZON
    below = np.zeros_like(closed)
    below[first:] = 1
    plain = _parts(below, steps, horizon)
    things |= _either(part for part, is_fit in parts if is_fit and _touches(part, things))
    things |= _either(part for part, is_fit in plain if is_fit and _hangs_on(part, things))
    others = _either(part for part, _ in parts) & (1 - things)
    return _grown(things, closed & below & (1 - others))


def _parts(mask: Mask, steps: Field, horizon: float) -> list[tuple[Mask, bool]]:
    """The parts of `mask` between outlines, and whether each may be of a near thing by its shape."""
    inner = cv2.morphologyEx(mask & (steps < _EDGE).astype(np.uint8), cv2.MORPH_OPEN, _disc(5))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(np.asarray(inner, dtype=np.uint8), connectivity=4)
    found: list[tuple[Mask, bool]] = []
    for name in range(1, count):
        if boxes[name, cv2.CC_STAT_AREA] >= _SMALLEST:
            part = np.asarray(cv2.dilate((labels == name).astype(np.uint8), _disc(5)), dtype=np.uint8)
            found.append((part, _stops(boxes[name], horizon) and _is_plain(part, steps)))
    return found


def _either(masks: Iterable[Mask]) -> Mask:
    result = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    for mask in masks:
        result |= mask
    return result


def _stops(box: NDArray[np.int32], horizon: float) -> bool:
    """Whether a part, by its box and area, is neither too large nor too high for a near thing."""
    _, top, width, height, area = (int(value) for value in box)
    small_enough = width < _WIDEST * COLUMNS and area < _LARGEST * ROWS * COLUMNS
    return small_enough and top - horizon >= _BELOW_HORIZON and height >= _LOWEST


def _touches(part: Mask, things: Mask) -> bool:
    near_by = np.asarray(cv2.dilate(things, _square(5)), dtype=np.uint8)
    return bool((part & near_by).any())


def _hangs_on(part: Mask, things: Mask) -> bool:
    """Whether a part touches things, is no larger than they are, and bulges on all sides, which ground rarely does."""
    (outline, *_), _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    area = float(cv2.contourArea(outline))
    bulges = area > _BULGING * float(cv2.contourArea(cv2.convexHull(outline)))
    return bulges and area < int(np.count_nonzero(things)) and _touches(part, things)


def _grown(things: Mask, allowed: Mask) -> Mask:
    """`things` with the rims, handles and fingers of `allowed` that hang on them, and with what all that encloses."""
    for _ in range(_REACH):
        things = things | (np.asarray(cv2.dilate(things, _square(3)), dtype=np.uint8) & allowed)
    return _filled(things)


def _outlined(small: Picture, things: Mask, first: int) -> Mask:
    """`things` with what looks like them close by (GrabCut, see `_cut.py`), from row `first` on."""
    doubt = np.full((ROWS, COLUMNS), cv2.GC_BGD, dtype=np.uint8)
    doubt[cv2.dilate(things, _disc(_DOUBT)) > 0] = cv2.GC_PR_BGD
    doubt[:first] = cv2.GC_BGD
    doubt[things > 0] = cv2.GC_PR_FGD
    doubt[cv2.erode(things, _square(3), borderValue=1) > 0] = cv2.GC_FGD
    cv2.setRNGSeed(1)  # GrabCut begins with clusters drawn at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, doubt, (0, 0, 0, 0), *models, 2, cv2.GC_INIT_WITH_MASK)
    alike = ((doubt == cv2.GC_FGD) | (doubt == cv2.GC_PR_FGD)).astype(np.uint8)
    seen = np.asarray(alike | things, dtype=np.uint8)
    _, labels, _, _ = cv2.connectedComponentsWithStats(seen, connectivity=8)
    return _filled(np.isin(labels, np.unique(labels[things > 0])).astype(np.uint8))


def _filled(mask: Mask) -> Mask:
    """`mask` without gaps and notches that are narrower than `_NOTCH`."""
    wide = cv2.copyMakeBorder(mask, _NOTCH, _NOTCH, _NOTCH, _NOTCH, cv2.BORDER_REPLICATE)
    whole = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, _disc(_NOTCH))
    outlines, _ = cv2.findContours(whole[_NOTCH:-_NOTCH, _NOTCH:-_NOTCH], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), outlines, -1, 1, cv2.FILLED), dtype=np.uint8)


def _is_plain(part: Mask, steps: Field) -> bool:
    """Whether a part has a sharp outline and little within it."""
    outline = (part - cv2.erode(part, _square(3), borderValue=1)) > 0
    inside = cv2.erode(part, _square(5)) > 0
    if not (outline.any() and inside.any()):
        return False
    strongest = np.asarray(cv2.dilate(steps, _square(3)), dtype=np.float32)[outline]
    typical = float(np.median(strongest))
    is_sharp = typical > _EDGE and float((strongest > _SHARP).mean()) >= _SHARP_SHARE
    return is_sharp and float(steps[inside].mean()) < _PLAIN * typical


def _stands_alone(part: Mask, rare: NDArray[np.bool_]) -> bool:
    """Whether a part comes from the lower edge and has ground about it."""
    about = (cv2.dilate(part, _square(15)) - cv2.dilate(part, _square(5))) > 0
    foot = int(np.count_nonzero(part[-2:].any(axis=0)))
    return foot >= _FOOT and bool(about.any()) and float((~rare[about]).mean()) >= _GROUND_ABOUT


def _disc(size: int) -> NDArray[Any]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))


def _square(size: int) -> Mask:
    return np.ones((size, size), dtype=np.uint8)
