"""Cuts the things that stand in an open landscape out of its picture: trees, houses, posts.

A depth network tells roughly where they are. Their outlines are found in the picture: GrabCut (Rother, Kolmogorov,
Blake, SIGGRAPH 2004) settles the doubtful pixels, and what looks like the background that its row suggests is given
back to it. Whatever the depth may be, a thing stands where its foot meets the ground.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from services.world_engine.diorama._fill import fill_rows
from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, HALF_FOV, HEIGHT, WIDTH
from services.world_engine.world_engine import SnapshotMismatchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.depth.depth import DepthMap
    from services.world_engine.diorama._geometry import Field
    from services.world_engine.world_engine import Picture

STEP: Final = 4  # pixels of the picture in a pixel of the cut, along each axis
ROWS: Final = HEIGHT // STEP
COLUMNS: Final = WIDTH // STEP
FARTHEST: Final = 14.5  # metres; what stands farther away stays in the backdrop: it hardly moves, and is cut badly
MOST: Final = 12  # things that are cut out, the largest first
FAR: Final = 255  # the label of things that stay in the backdrop

_FOCAL: Final = FOCAL / STEP
_SEEN: Final = 1.0 / 40.0  # 1/m; the depth of what is farther away says nothing
_SKY: Final = 0.013  # 1/m
_LEAST_SKY: Final = 0.5  # share of what lies well above the horizon
_SCALES: Final = (0.3, 1.6)  # how near the ground may seem, as a share of what its rows say
_LOWEST: Final = 0.1  # of the picture's height; smaller things stay in the backdrop
_LIKE_GROUND: Final = 0.45  # share of the ground's own slope, from which on a surface lies rather than stands
_ALIKE: Final = 10.0  # grey levels by which background may differ from what its row suggests
_BAND: Final = 5  # pixels about an outline that are in doubt
_TRUNK: Final = 25  # pixels, twice the length of a trunk that the depth may have missed

Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class Cut:
    """`labels`, uint8 [ROWS, COLUMNS], has 0 for the background, 1 and up for each thing, and `FAR`."""

    labels: Mask

    @property
    def count(self) -> int:
        """How many things are cut out."""
        return int(np.where(self.labels == FAR, 0, self.labels).max())

    def pack(self) -> bytes:
        return zlib.compress(self.labels.tobytes(), 9)

    @staticmethod
    def unpack(packed: bytes) -> Cut:
        """Raises:
        SnapshotMismatchError: these are not the bytes of a cut.
        """
        inflater = zlib.decompressobj()
        try:
            plain = inflater.decompress(packed, ROWS * COLUMNS)
        except zlib.error as error:
            raise SnapshotMismatchError("The snapshot's state is damaged: its things cannot be read.") from error
        if len(plain) != ROWS * COLUMNS or not inflater.eof or any(label > MOST for label in set(plain) - {FAR}):
            raise SnapshotMismatchError("The snapshot's state is damaged: it holds no things of such a picture.")
        return Cut(np.frombuffer(plain, dtype=np.uint8).reshape(ROWS, COLUMNS))


NOTHING: Final = Cut(np.zeros((ROWS, COLUMNS), dtype=np.uint8))


def foot_distance(row: float, horizon: float) -> float:
    """Metres ahead at which a thing stands whose foot is in this row; both are rows of the picture."""
    return FOCAL * EYE_HEIGHT / max(row - horizon, 1e-3)


def cut_things(picture: Picture, depth: DepthMap) -> Cut:
    """The things of `picture`, [HEIGHT, WIDTH, 3]; none where the depth is not sure, or not that of open country."""
    horizon = find_horizon(picture)
    nearness = _nearness(depth, horizon / STEP) if depth.is_sure else None
    if nearness is None:
        return NOTHING
    core = _standing(nearness, horizon / STEP)
    if not core.any():
        return NOTHING
    small = np.asarray(cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return _things(_outlined(small, core, nearness, horizon / STEP), core, horizon)


def _nearness(depth: DepthMap, horizon: float) -> Field | None:
    """Inverse depths along the picture's axis (1/m) for pixels of the cut, on the scale of the ground; None: no open
    country, which has its sky above and its ground below."""
    resized = cv2.resize(depth.inverse_depth, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    inverse = np.asarray(resized, dtype=np.float32)
    below = np.arange(ROWS, dtype=np.float32) + 0.5 - np.float32(horizon)
    low = below > 0.1 * ROWS
    plane, ground = below[low] / (_FOCAL * EYE_HEIGHT), np.median(inverse[low], axis=1)
    scale = float(plane @ ground / (plane @ plane))
    sky = float((inverse[: int(0.6 * horizon)] < _SKY).mean())
    if sky < _LEAST_SKY or not _SCALES[0] < scale < _SCALES[1]:
        return None
    aside = np.linspace(-math.tan(HALF_FOV), math.tan(HALF_FOV), COLUMNS, dtype=np.float32)
    return (inverse * np.hypot(np.float32(1.0), aside)[None, :] / np.float32(scale)).astype(np.float32)


def _standing(nearness: Field, horizon: float) -> Mask:
    """Where the depth says that something stands on the ground and reaches above the horizon; 0 or 1."""
    rows = np.arange(ROWS, dtype=np.float32)[:, None]
    ground = np.maximum((rows - horizon) / (_FOCAL * EYE_HEIGHT), 0.0)
    soft = np.asarray(cv2.blur(nearness, (3, 5)), dtype=np.float32)
    slope = (np.roll(soft, -3, axis=0) - np.roll(soft, 3, axis=0)) / 6.0 * np.float32(_FOCAL * EYE_HEIGHT)
    lies = (slope > _LIKE_GROUND) & (rows > horizon + 2)
    stands = (nearness > _SEEN) & (nearness > 1.15 * ground + 0.008) & ~lies
    core = cv2.morphologyEx(stands.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), dtype=np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
    tall = [k for k in range(1, count) if stats[k, 4] >= 15 and stats[k, 1] < horizon - 2]
    return np.isin(labels, tall).astype(np.uint8)


def _outlined(small: Picture, core: Mask, nearness: Field, horizon: float) -> Mask:
    """The pixels of the things, 0 or 1."""
    doubt = np.full((ROWS, COLUMNS), cv2.GC_BGD, dtype=np.uint8)
    doubt[cv2.dilate(core, _disc(2 * _BAND + 1)) > 0] = cv2.GC_PR_BGD
    rows = np.arange(ROWS, dtype=np.float32)[:, None]
    nearest = np.where(core > 0, nearness, 0.0).max(axis=0)[None, :]
    top = np.where(core.any(axis=0), core.argmax(axis=0), ROWS)[None, :]
    foot = horizon + _FOCAL * EYE_HEIGHT * nearest * 1.2 + 3.0
    doubt[(rows >= top) & (rows < foot) & (doubt == cv2.GC_BGD)] = cv2.GC_PR_BGD
    doubt[core > 0] = cv2.GC_PR_FGD
    sure = cv2.erode(core, np.ones((5, 5), dtype=np.uint8)) > 0
    doubt[sure] = cv2.GC_FGD
    cv2.setRNGSeed(1)  # GrabCut begins with clusters drawn at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(small), doubt, (0, 0, 0, 0), *models, 2, cv2.GC_INIT_WITH_MASK)
    found = ((doubt == cv2.GC_FGD) | (doubt == cv2.GC_PR_FGD)).astype(np.uint8)
    return _corrected(small, found, sure)


def _corrected(small: Picture, found: Mask, sure: NDArray[np.bool_]) -> Mask:
    """`found` without what looks like background, and with what is left of things beside and below them."""
    beside = cv2.bitwise_or(cv2.dilate(found, _disc(7)), cv2.dilate(found, np.ones((_TRUNK, 3), dtype=np.uint8)))
    hole = np.asarray(cv2.dilate(beside, _disc(3)), dtype=np.uint8) > 0
    colours = small.astype(np.float32)
    from_background = np.abs(colours - fill_rows(small, hole)).max(axis=2)
    known = found.astype(np.float32)
    near_by = cv2.blur(colours * known[..., None], (25, 25)) / np.maximum(cv2.blur(known, (25, 25)), 1e-4)[..., None]
    from_thing = np.abs(colours - near_by).max(axis=2)
    kept = (found > 0) & ((from_background > _ALIKE) | sure)
    grown = (np.asarray(beside, dtype=np.uint8) > 0) & (from_background > 2.0 * _ALIKE) & (from_thing < from_background)
    return np.asarray(cv2.morphologyEx((kept | grown).astype(np.uint8), cv2.MORPH_CLOSE, _disc(3)), dtype=np.uint8)


def _things(mask: Mask, core: Mask, horizon: float) -> Cut:
    """Things by name: each pixel of the mask belongs to the part of the core that is nearest to it."""
    _, owner = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    named = np.where(mask > 0, np.uint8(FAR), np.uint8(0))
    fit: list[tuple[int, NDArray[np.bool_]]] = []
    for part in range(1, int(owner.max()) + 1):
        thing = _largest_piece((owner == part) & (mask > 0))
        rows = np.flatnonzero(thing.any(axis=1))
        if not len(rows):
            continue
        top, foot = int(rows[0]), int(rows[-1]) + 1
        stands = top * STEP < horizon - 2 * STEP and foot < ROWS - 2
        if stands and foot - top >= _LOWEST * ROWS and foot_distance(foot * STEP, horizon) <= FARTHEST:
            fit.append((int(thing.sum()), thing))
    for name, (_, thing) in enumerate(sorted(fit, reverse=True, key=lambda one: one[0])[:MOST], start=1):
        named[thing] = name
    return Cut(named) if fit else NOTHING


def _largest_piece(thing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thing.astype(np.uint8), connectivity=8)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if count > 1 else thing


def _disc(size: int) -> Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)
