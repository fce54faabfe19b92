"""Keeps pictures sharp from keyframe to keyframe: where each pixel was seen first, and its colour from there.

A keyframe is drawn from the one before. Were its colours taken from that drawing, each keyframe would resample them
once more and blur them a little, until nothing is left. So each keyframe keeps an *origin*: for every pixel, which of
the kept pictures shows it first hand, and at what place. Places are smooth wherever a surface is, so following them
from keyframe to keyframe loses little; and the colours themselves are resampled once, however long the walk was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from world_model.layers import FINE
from world_model.pixel_rows import in_rows
from world_model.quilting import OVERLAP, seam_between

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from world_model.layer_renderer import TracedFrame
    from world_model.layers import Mask

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Places = np.ndarray[Any, np.dtype[np.uint16]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

OWN: Final = 255  # slot of what no kept picture shows: the new keyframe's own
_STEPS: Final = 64  # of a place, in a pixel
_APART: Final = 1.5  # pixels between neighbouring places, from which on they are of different surfaces
_SHOWN: Final = 0.5  # how much of a pixel has to be seen from a keyframe to have its origin
_COMPLETE: Final = 0.98  # of a mask, above which nothing need be added
_WHOLE: Final = 0.9999  # share of what is in front, above which nothing is seen of what is behind
_NOTHING: Final = 0.02
_EDGE: Final = 3  # pixels over which followed colours fade into drawn ones; odd
_GIVEN_UP: Final = 0.25  # cost of a pixel that is known and lies beyond a seam, as a difference of colours
_SEAM: Final = 13  # pixels over which what is added fades in; odd


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a keyframe's picture comes from: of every `FINE`-th pixel, from the first on, along each axis."""

    slot: Bytes  # [h, w]: of the kept picture that shows it
    place: Places  # [h, w, 2]: x and y in that picture, 1 / _STEPS pixels

    @property
    def pixels(self) -> tuple[Floats, Floats]:
        """The places in pixels, x and y: [h, w] each."""
        places = self.place.astype(np.float32) / np.float32(_STEPS)
        return np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])

    @property
    def enlargement(self) -> float:
        """How many times larger things are here than in the pictures that show them, in the mean; at least 1."""
        slot, place, pixel = self.slot, self.place.astype(np.float32), float(FINE * _STEPS)
        aside, down = np.abs(np.diff(place[:, :, 0], axis=1)), np.abs(np.diff(place[:, :, 1], axis=0))
        steps = np.concatenate([aside[slot[:, 1:] == slot[:, :-1]], down[slot[1:] == slot[:-1]]])
        return pixel / max(1.0, float(np.minimum(steps, pixel).mean())) if len(steps) else 1.0

    def rebased(self, forgotten: int, own: int) -> Origin:
        """The origin after a picture was forgotten: what came from it is now the keyframe's `own`."""
        gone = self.slot == forgotten
        if not gone.any():
            return self
        place = np.where(gone[..., None], own_origin(own, *self.slot.shape).place, self.place)
        return Origin(np.where(gone, np.uint8(own), self.slot), place)


@dataclass(frozen=True, slots=True)
class Patch:
    """A picture that is being put together, of the size of a keyframe's, and where its pixels come from."""

    picture: Bytes  # [h, w, 3]
    mask: Floats  # [h, w]: share of each pixel that is known
    slot: Bytes  # [h, w]
    x: Floats  # [h, w]
    y: Floats

    @property
    def complete(self) -> bool:
        return float(self.mask.min()) > _COMPLETE

    @property
    def missing(self) -> Mask:
        """Where something shows of what it is joined to, [h, w]."""
        return _inner(self.mask, _SEAM) < _WHOLE

    def origin(self, own: int) -> Origin:
        """The origin of a keyframe in the slot `own` that has this picture."""
        slot = self.slot[::FINE, ::FINE]
        mine = own_origin(own, *slot.shape)
        most = np.array(self.slot.shape[::-1], dtype=np.float32) - 1.0
        found = np.stack([self.x[::FINE, ::FINE], self.y[::FINE, ::FINE]], axis=-1)
        place = np.rint(np.clip(found, 0.0, most) * _STEPS).astype(np.uint16)
        is_own = slot == OWN
        return Origin(np.where(is_own, mine.slot, slot), np.where(is_own[..., None], mine.place, place))


def own_origin(slot: int, height: int, width: int) -> Origin:
    """Of a keyframe that nothing was before."""
    rows, columns = np.mgrid[:height, :width] * (FINE * _STEPS)
    return Origin(np.full((height, width), slot, dtype=np.uint8), np.stack([columns, rows], axis=-1).astype(np.uint16))


def drawn_patch(picture: Bytes) -> Patch:
    """A picture that is its own origin."""
    size = picture.shape[:2]
    nowhere = np.zeros(size, dtype=np.float32)
    return Patch(picture, np.ones(size, dtype=np.float32), np.full(size, OWN, dtype=np.uint8), nowhere, nowhere)


def shows(origin: Origin, slots: Collection[int], picture: tuple[int, ...]) -> bool:
    """Whether an origin names these slots alone, and places within pictures [h, w, 3]."""
    most = np.array((picture[1] - 1, picture[0] - 1)) * _STEPS
    return set(np.unique(origin.slot).tolist()) <= set(slots) and bool((origin.place.max(axis=(0, 1)) <= most).all())


def followed(frame: TracedFrame, origin: Origin, pictures: Mapping[int, Bytes]) -> Patch:
    """A frame that was drawn from a keyframe with this origin, in colours of the `pictures` by slot.

    What the keyframe itself does not show keeps the colours that were drawn, and so does a narrow seam between pixels
    of different pictures.
    """
    left, top, width, height = cv2.boundingRect((frame.mask > 0.0).view(np.uint8))
    if not width:
        return replace(drawn_patch(frame.picture), mask=frame.mask)
    part = slice(top, top + height), slice(left, left + width)
    found = _followed(frame.part(part), origin, pictures)
    around = top, len(frame.mask) - top - height, left, len(frame.mask[0]) - left - width
    picture = frame.picture.copy()
    picture[part] = found.picture
    slot = cv2.copyMakeBorder(found.slot, *around, cv2.BORDER_CONSTANT, value=[OWN])
    x, y = (cv2.copyMakeBorder(grid, *around, cv2.BORDER_CONSTANT, value=[0]) for grid in (found.x, found.y))
    return Patch(picture, frame.mask, slot.astype(np.uint8), x.astype(np.float32), y.astype(np.float32))


def _followed(frame: TracedFrame, origin: Origin, pictures: Mapping[int, Bytes]) -> Patch:
    """The same of a part of a frame."""
    x, y = frame.x / np.float32(FINE), frame.y / np.float32(FINE)
    slot = np.asarray(_read(origin.slot, x, y, cv2.INTER_NEAREST), dtype=np.uint8)
    one_picture = np.abs(_read(origin.slot.astype(np.float32), x, y) - slot) <= _NOTHING
    smooth = [_read(grid, x, y) for grid in origin.pixels]
    nearest = [
        _read(grid, x, y, cv2.INTER_NEAREST) + np.float32(FINE) * (axis - np.clip(np.rint(axis), 0, size - 1))
        for grid, axis, size in zip(origin.pixels, (x, y), origin.slot.shape[::-1], strict=True)
    ]
    apart = [np.abs(one - other) for one, other in zip(smooth, nearest, strict=True)]
    surface = (np.maximum(*apart) <= _APART) & one_picture
    place = [np.where(surface, one, other) for one, other in zip(smooth, nearest, strict=True)]
    most_y, most_x = (FINE * size - 0.5 for size in origin.slot.shape)
    inside = (frame.x > -0.5) & (frame.x < most_x) & (frame.y > -0.5) & (frame.y < most_y)
    known = inside & (frame.visible > _SHOWN)
    patch = Patch(frame.picture, frame.mask, np.where(known, slot, np.uint8(OWN)), place[0], place[1])
    share = _inner(known & one_picture, _EDGE)
    colours = _colours(patch, pictures)
    return replace(patch, picture=cv2.blendLinear(colours, frame.picture, share, 1.0 - share).astype(np.uint8))


def joined(front: Patch, behind: Patch) -> Patch:
    """`front` where it is known and `behind` where it is not, with a soft seam inside of what is known."""
    share = _inner(front.mask, _SEAM)
    picture = cv2.blendLinear(front.picture, behind.picture, share, 1.0 - share).astype(np.uint8)
    take = (share <= _NOTHING) & (behind.mask > _COMPLETE)
    # What is blended has two origins, so it begins anew.
    slot = np.where(take, behind.slot, np.where(share < _COMPLETE, np.uint8(OWN), front.slot))
    x, y = np.where(take, behind.x, front.x), np.where(take, behind.y, front.y)
    return Patch(picture, np.maximum(front.mask, behind.mask), slot, x, y)


def parted(patch: Patch, picture: Bytes) -> Patch:
    """The patch up to a seam at each side: there it differs least from a picture that goes on where it is not known."""
    unlike = np.asarray(np.abs(patch.picture.astype(np.float32) - picture).sum(axis=2), dtype=np.float32)
    right = _up_to_seam(patch.mask, unlike)
    both = _up_to_seam(right[:, ::-1], unlike[:, ::-1])[:, ::-1]
    return replace(patch, mask=np.ascontiguousarray(both))


def _up_to_seam(mask: Floats, unlike: Floats) -> Floats:
    """A mask [h, w] without what lies to the right of a seam along its right border."""
    width = len(mask[0])
    known = mask > _COMPLETE
    border = np.where(known.any(axis=1), width - np.argmax(known[:, ::-1], axis=1), 0)[:, None]
    if (border == width).all():
        return mask
    columns = border - OVERLAP + np.arange(OVERLAP)
    cost = np.take_along_axis(unlike, np.clip(columns, 0, width - 1), axis=1) + _GIVEN_UP * (border - columns)
    cost[(columns < 0) | (border == width)] = 0.0
    # What is joined fades within its border, so the border lies a little beyond the seam.
    end = border - OVERLAP + seam_between(cost.astype(np.float32))[:, None] + _SEAM // 2
    return np.where((np.arange(width) < end) | (border == width), mask, np.float32(0.0))


def _colours(patch: Patch, pictures: Mapping[int, Bytes]) -> Bytes:
    """Of the places of a patch, as drawn where it has none."""
    colours = np.array(patch.picture, order="C")
    pixels, x, y, slot = colours.reshape(-1, 3), patch.x.ravel(), patch.y.ravel(), patch.slot.ravel()
    counts = np.bincount(slot, minlength=OWN)
    for n, picture in pictures.items():
        if counts[n]:
            here = in_rows(np.flatnonzero(slot == n))
            pixels[here] = _read(picture, x[here], y[here], cv2.INTER_CUBIC)
    return colours


def _read(
    grid: Bytes | Floats, x: Floats, y: Floats, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray[Any, np.dtype[Any]]:
    return np.asarray(cv2.remap(grid, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE))


def _inner(known: Floats | np.ndarray[Any, np.dtype[np.bool_]], pixels: int) -> Floats:
    """Falls from 1 to 0 within the border of what is known."""
    within = cv2.erode(known.astype(np.float32), np.ones((pixels, pixels), dtype=np.uint8))
    return np.asarray(cv2.blur(within, (pixels, pixels)), dtype=np.float32)
