"""What may lie where nobody has looked: the picture that a world began with, continued all around.

The picture is laid on a cylinder around the eye and continued there by pieces of itself (`world_model.quilting`), so
that whole things stand there, sharp and never mirrored. Whoever has walked away from home sees other things at the
borders of what is known. So the cylinder is turned to where it goes on best from them, and takes on their light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from world_model.origins import drawn_patch
from world_model.quilting import OVERLAP, STEP, quilted, surrounding_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.config import ModelConfig
    from world_model.origins import Patch
    from world_model.quilting import Indices

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

_KNOWN: Final = 0.98  # of a mask
_SIDEWAYS: Final = 1.5  # radians; farther aside no picture reaches
_RIM: Final = 25, 13  # cells across and down of the window in which what is known tells how to go on; odd
_LEAST_RIM: Final = 24.0  # cells; fewer tell nothing
_FAR_ASIDE: Final = 1.0  # how much worse a match counts that is half a turn away
_LIKE_ENOUGH: Final = 4.0  # squared difference of colours that is of no account
_MIDDLE: Final = 64.0  # pixels over which what goes on from the left side fades into what goes on from the right one
_LIGHT_REACH: Final = 10.0  # cells
_LEAST_NEAR: Final = 0.1  # share of cells around that are known, below which light fades
_MOST_LIGHT: Final = 30.0
_SMOOTH: Final = 8.0  # pixels; what is finer is texture
_WIDE: Final = 48.0
_TEXTURE: Final = 40  # rows at the lower edge, whose texture is repeated below it


@dataclass(frozen=True, slots=True)
class Look:
    """A direction to look in."""

    turn: float  # to the right of the one in which the home picture was seen, radians
    slope: float  # tangent of looking up


@dataclass(frozen=True, slots=True)
class _Around:
    """The home picture on a cylinder, whose rows are heights over distance."""

    home: Floats  # [rows, columns of home, 3]
    columns: Indices  # [columns all around]: which of home's stands there
    highest: float  # tangent of looking up at the first row


class Panorama:
    """Has no state; any number of threads may call. A *cell* has `STEP` pixels along each axis."""

    def __init__(self, config: ModelConfig) -> None:
        """`config` has the size of the pictures."""
        self._focal, self._width, self._height = config.focal, config.width, config.height
        self._half_w, self._half_h = 0.5 * config.width - 0.5, 0.5 * config.height - 0.5
        self._aside = ((np.arange(config.width) - self._half_w) / self._focal).astype(np.float32)
        self._down = ((np.arange(config.height) - self._half_h) / self._focal).astype(np.float32)
        self._total = round(2.0 * math.pi * self._focal / STEP) * STEP
        self._rad = 2.0 * math.pi / self._total  # of a column
        self._shown = int(config.fov / self._rad) // STEP * STEP

    def completed(self, patch: Patch, home: Bytes, home_slope: float, look: Look) -> Bytes:
        """A picture [h, w, 3] that goes on where the patch, seen in the direction of `look`, is not known.

        home: uint8 [h, w, 3], seen with the tangent `home_slope` of looking up.
        """
        around = self._around(home, home_slope, look.slope)
        left, right = (self._best_turn(around, patch, look, side) for side in self._sides(patch))
        picture = self._seen(around, right, look.slope)
        if left != right:
            share = np.clip((self._half_w - np.arange(self._width)) / _MIDDLE + 0.5, 0.0, 1.0).astype(np.float32)
            other = self._seen(around, left, look.slope)
            picture = np.asarray(picture + share[None, :, None] * (other - picture), dtype=np.float32)
        return np.rint(np.clip(picture + _light(picture, patch), 0.0, 255.0)).astype(np.uint8)

    def ahead(self, home: Bytes, home_slope: float, look: Look) -> Patch:
        """What the home picture itself shows in a direction."""
        angle = np.arctan(self._aside) + look.turn
        angle = (angle + math.pi) % (2.0 * math.pi) - math.pi
        aside = np.tan(np.clip(angle, -_SIDEWAYS, _SIDEWAYS))[None, :]
        # What a column shows keeps its height over its distance from the eye.
        up = (look.slope - self._down)[:, None] * np.hypot(1.0, aside) / np.hypot(1.0, self._aside)[None, :]
        y = (home_slope - up) * self._focal + self._half_h
        x = np.broadcast_to(aside * self._focal + self._half_w, y.shape)
        inside = (np.abs(x - self._half_w) < self._half_w + 0.5) & (np.abs(y - self._half_h) < self._half_h + 0.5)
        picture = np.rint(_read(home, x, y, cv2.INTER_LINEAR)).astype(np.uint8)
        return replace(drawn_patch(picture), mask=inside.astype(np.float32))

    def _around(self, home: Bytes, home_slope: float, slope: float) -> _Around:
        """As much of the cylinder as is seen in a look of this slope."""
        level = self._on_cylinder(home, 0, self._height)
        columns = surrounding_columns(level, self._total)
        ups = np.array([slope - self._down[0], slope - self._down[-1]])
        ups = np.concatenate([ups, ups / math.hypot(1.0, float(self._aside[0]))])
        ends = (home_slope - ups) * self._focal + self._half_h
        top = math.floor(float(ends.min()) / STEP) * STEP
        bottom = math.ceil(float(ends.max()) / STEP + 1) * STEP
        return _Around(self._on_cylinder(home, top, bottom), columns, home_slope - (top - self._half_h) / self._focal)

    def _on_cylinder(self, home: Bytes, top: int, bottom: int) -> Floats:
        """The columns of a picture on the cylinder; rows are those in the picture's middle column."""
        aside = np.tan((np.arange(self._shown) + 0.5 - 0.5 * self._shown) * self._rad)
        y = (np.arange(top, bottom)[:, None] - self._half_h) * np.hypot(1.0, aside)[None, :] + self._half_h
        more = max(0, math.ceil(-float(y.min())), math.ceil(float(y.max())) + 1 - self._height)
        x = np.broadcast_to(aside[None, :] * self._focal + self._half_w, y.shape)
        return _read(continued_up_and_down(home, more), x, y + more, cv2.INTER_CUBIC)

    def _seen(self, around: _Around, turn: float, slope: float) -> Floats:
        """The view in a direction."""
        x = (np.arctan(self._aside) + turn) / self._rad + 0.5 * self._shown - 0.5
        first, last = math.floor(float(x[0])) - OVERLAP - 2, math.ceil(float(x[-1])) + OVERLAP + 2
        part = quilted(around.home, around.columns[np.arange(first, last) % self._total])
        up = (slope - self._down)[:, None] / np.hypot(1.0, self._aside)[None, :]
        y = (around.highest - up) * self._focal
        return _read(part, np.broadcast_to(x - first, y.shape), y, cv2.INTER_LINEAR)

    def _sides(self, patch: Patch) -> tuple[Floats, Floats]:
        """Cells of each half of a patch that are not known."""
        unknown = (_small(patch.mask) <= _KNOWN).astype(np.float32)
        cells = len(unknown[0])
        left = np.arange(cells) < cells // 2
        return unknown * left, unknown * ~left

    def _best_turn(self, around: _Around, patch: Patch, look: Look, missing: Floats) -> float:
        """Where to look on the cylinder so that it goes on best from what is known beside the `missing` cells."""
        rim = cv2.dilate(missing, np.ones(_RIM[::-1], dtype=np.uint8)) * _sure(patch)
        wanted, weight = self._cells_on_cylinder(around, patch, rim, look.slope)
        if float(weight.sum()) < _LEAST_RIM:
            return look.turn
        size = self._shown // STEP, len(around.home) // STEP
        cells = cv2.resize(around.home, size, interpolation=cv2.INTER_AREA)[:, around.columns[::STEP] // STEP]
        width = len(wanted[0])
        wrapped = np.concatenate([cells, cells[:, : width - 1]], axis=1)
        unlike = cv2.matchTemplate(wrapped, wanted, cv2.TM_SQDIFF, mask=np.dstack([weight] * 3))[0]
        unlike = np.maximum(unlike, 0.0) / (3.0 * float(weight.sum()))
        ahead = (look.turn / self._rad + 0.5 * self._shown) / STEP - 0.5 * width
        half = 0.5 * len(unlike)
        away = (np.arange(len(unlike)) - ahead + half) % len(unlike) - half
        best = int(((unlike + _LIKE_ENOUGH) * (1.0 + _FAR_ASIDE * np.abs(away) / half)).argmin())
        # Straight on is exactly straight on, and not on the next cell.
        return look.turn + (float(away[best]) * STEP * self._rad if abs(away[best]) >= 1.0 else 0.0)

    def _cells_on_cylinder(
        self, around: _Around, patch: Patch, rim: NDArray[Any], slope: float
    ) -> tuple[Floats, Floats]:
        """A patch and the weights of its cells, as they lie on the cylinder."""
        rad = self._rad * STEP
        columns, rows = int(2.0 * math.atan(float(self._aside[-1])) / rad), len(around.home) // STEP
        aside = np.tan((np.arange(columns) + 0.5 - 0.5 * columns) * rad)[None, :]
        up = around.highest - ((np.arange(rows) + 0.5) * STEP - 0.5)[:, None] / self._focal
        y = ((slope - up * np.hypot(1.0, aside)) * self._focal + self._half_h + 0.5) / STEP - 0.5
        x = np.broadcast_to((aside * self._focal + self._half_w + 0.5) / STEP - 0.5, y.shape)
        weight = cv2.remap(rim, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)  # 0 outside
        return _read(_small(patch.picture), x, y, cv2.INTER_LINEAR), np.asarray(weight, dtype=np.float32)


def continued_up_and_down(picture: Bytes, rows: int) -> Floats:
    """A picture with `rows` more above and below: smooth colours, and below with the texture of what is there."""
    smooth = cv2.GaussianBlur(picture, (0, 0), _SMOOTH, borderType=cv2.BORDER_REFLECT).astype(np.float32)
    fine = picture - smooth
    distance = np.arange(rows)
    near = np.exp(-(distance + 1) / _SMOOTH).astype(np.float32)[:, None, None]
    above, below = (_ever_wider(edge, distance) for edge in (smooth[0], smooth[-1]))
    above = above + near * fine[np.minimum(distance, len(picture) - 1)]
    band = min(_TEXTURE, len(picture))
    # Forth and back through the rows of the band.
    inward = np.minimum(distance % (2 * band), 2 * band - 1 - distance % (2 * band))
    below = below + fine[len(picture) - 1 - inward]
    tall = np.concatenate([above[::-1], picture, below])
    return np.asarray(np.clip(tall, 0.0, 255.0), dtype=np.float32)


def _ever_wider(edge: Floats, distance: NDArray[Any]) -> Floats:
    """Rows [len(distance), w, 3] that go on from a smooth one, without streaks."""
    wide = cv2.GaussianBlur(edge[None], (0, 0), _WIDE, borderType=cv2.BORDER_REFLECT)
    share = np.exp(-(distance + 1) / (0.5 * _WIDE)).astype(np.float32)[:, None, None]
    return np.asarray(wide + share * (edge - wide), dtype=np.float32)


def _light(picture: Floats, patch: Patch) -> Floats:
    """How much lighter what is known is than a picture that goes on from it; fades with the distance."""
    known = _sure(patch)
    difference = _small(patch.picture - picture) * known[..., None]
    near = cv2.GaussianBlur(known, (0, 0), _LIGHT_REACH, borderType=cv2.BORDER_CONSTANT)[..., None]
    light = cv2.GaussianBlur(difference, (0, 0), _LIGHT_REACH, borderType=cv2.BORDER_CONSTANT) / (near + _LEAST_NEAR)
    light = np.clip(light, -_MOST_LIGHT, _MOST_LIGHT)
    return np.asarray(cv2.resize(light, patch.mask.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _sure(patch: Patch) -> Floats:
    """Cells that are known, and not the last of them, which may be half of something else."""
    known = (_small(patch.mask) > _KNOWN).astype(np.float32)
    return np.asarray(cv2.erode(known, np.ones((3, 3), dtype=np.uint8)), dtype=np.float32)


def _small(pixels: NDArray[Any]) -> Floats:
    """Means of cells."""
    size = len(pixels[0]) // STEP, len(pixels) // STEP
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _read(pixels: Bytes | Floats, x: NDArray[Any], y: NDArray[Any], interpolation: int) -> Floats:
    read = cv2.remap(pixels, x.astype(np.float32), y.astype(np.float32), interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, dtype=np.float32)


def turn_between(before: float, after: float) -> float:
    """From one yaw to another, the shorter way round."""
    return math.remainder(after - before, 2.0 * math.pi)
