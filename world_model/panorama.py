"""What may lie where nobody has looked: the picture that a world began with, continued all around.

The picture is laid on a cylinder around the eye and continued there by pieces of itself (`world_model.quilting`), so
that whole things stand there, sharp and never mirrored. Whoever has walked away from home sees other things at the
borders of what is known. So the cylinder is turned to where it goes on best from them, and takes on their light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from world_model.layers import FINE, layer_sized
from world_model.origins import drawn_patch
from world_model.quilting import OVERLAP, STEP, quilted, surrounding_columns
from world_model.wide_view import WideView

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
_CELL: Final = STEP // FINE  # pixels of a wide picture in a cell, along each axis
_BAND: Final = 16 * STEP  # rows of the cylinder that are continued at once
_HOMES: Final = 16  # home pictures of which it is kept how they go on all around: it takes long to find out
_TEXTURE: Final = 40  # rows at the lower edge, whose texture is repeated below it


@dataclass(frozen=True, slots=True)
class Look:
    """A direction to look in."""

    turn: float  # to the right of the one in which the home picture was seen, radians
    slope: float  # tangent of looking up


class _Around(NamedTuple):
    """The home picture continued on a cylinder, whose rows are heights over distance."""

    pixels: Bytes  # [rows, columns all around, 3]
    cells: Floats  # [rows / STEP, columns / STEP, 3]: means of the columns that stand there, before they are blended
    top: int  # the first row, as a row of the home picture's middle column


class _Part(NamedTuple):
    """A piece of the cylinder."""

    pixels: Bytes
    first: int  # column
    turn: float  # at which it is looked at
    highest: float  # tangent of looking up at the first row


class Imagined(NamedTuple):
    """What may be seen in a direction."""

    wide: Bytes  # [*WideView.shape, 3]
    slope: float  # tangent of looking up
    parts: tuple[_Part, _Part]  # of the cylinder, at which the left and the right half look
    light: Floats  # as `wide`: what is added to the cylinder's colours


class Panorama:
    """Has no state but the surroundings of the homes seen last; any number of threads may call.

    A *cell* has `STEP` pixels of a keyframe's picture along each axis, and `STEP // FINE` of a wide one.
    """

    def __init__(self, config: ModelConfig) -> None:
        """`config` has the size of the layers."""
        self._view = view = WideView(config)
        self._width, self._height = FINE * config.width, FINE * config.height
        self._focal = FINE * config.focal
        self._half_w, self._half_h = 0.5 * self._width - 0.5, 0.5 * self._height - 0.5
        self._aside, self._down = (
            ((np.arange(size) - 0.5 * size + 0.5) / self._focal).astype(np.float32)
            for size in (self._width, self._height)
        )
        self._wide_aside, self._wide_down = (axis.slopes(np.arange(axis.whole)) for axis in (view.across, view.down))
        self._total = round(2.0 * math.pi * self._focal / STEP) * STEP
        self._rad = 2.0 * math.pi / self._total  # of a column
        self._shown = int(config.fov / self._rad) // STEP * STEP
        self._columns = lru_cache(_HOMES)(self._columns_of)
        self._continued = lru_cache(_HOMES)(self._continued_around)

    def imagined(self, known: Patch, home: Bytes, home_slope: float, look: Look) -> Imagined:
        """What goes on where `known`, a wide picture seen in the direction of `look`, is not known.

        home: uint8 [FINE * h, FINE * w, 3], seen with the tangent `home_slope` of looking up.
        """
        around = self._around(home, home_slope, look.slope)
        highest = home_slope - (around.top - self._half_h) / self._focal
        left, right = (self._best_turn(around, known, look, highest, side) for side in self._sides(known))
        part = self._part(around, right, highest)
        parts = part if left == right else self._part(around, left, highest), part
        made = self._seen(parts, look.slope, self._wide_aside, self._wide_down, FINE)
        light = _light(made, known)
        wide = np.rint(np.clip(made + light, 0.0, 255.0)).astype(np.uint8)
        return Imagined(wide, look.slope, parts, light)

    def picture(self, imagined: Imagined) -> Bytes:
        """The picture [FINE * h, FINE * w, 3] in the middle of it."""
        made = self._seen(imagined.parts, imagined.slope, self._aside, self._down, 1)
        light = cv2.resize(
            imagined.light[self._view.inner], (self._width, self._height), interpolation=cv2.INTER_LINEAR
        )
        return np.rint(np.clip(made + light, 0.0, 255.0)).astype(np.uint8)

    def ahead(self, home: Bytes, home_slope: float, look: Look) -> Patch:
        """What the home picture itself shows in a direction."""
        return self._ahead(home, home_slope, look, self._aside, self._down)

    def wide_ahead(self, home: Bytes, home_slope: float, look: Look) -> Patch:
        """The same, in a wide picture."""
        return self._ahead(layer_sized(home), home_slope, look, self._wide_aside, self._wide_down)

    def _ahead(self, home: Bytes, home_slope: float, look: Look, across: Floats, down: Floats) -> Patch:
        """In the slopes of a picture's columns and rows."""
        angle = np.arctan(across) + look.turn
        angle = (angle + math.pi) % (2.0 * math.pi) - math.pi
        aside = np.tan(np.clip(angle, -_SIDEWAYS, _SIDEWAYS))[None, :]
        # What a column shows keeps its height over its distance from the eye.
        up = (look.slope - down)[:, None] * np.hypot(1.0, aside) / np.hypot(1.0, across)[None, :]
        size = len(home) / self._height
        half_w, half_h = 0.5 * len(home[0]) - 0.5, 0.5 * len(home) - 0.5
        y = (home_slope - up) * self._focal * size + half_h
        x = np.broadcast_to(aside * self._focal * size + half_w, y.shape)
        inside = (np.abs(x - half_w) < half_w + 0.5) & (np.abs(y - half_h) < half_h + 0.5)
        picture = np.rint(_read(home, x, y, cv2.INTER_LINEAR)).astype(np.uint8)
        return replace(drawn_patch(picture), mask=inside.astype(np.float32))

    def _around(self, home: Bytes, home_slope: float, slope: float) -> _Around:
        """As much of the cylinder as is seen in a look of this slope, and a little more: it serves the next ones."""
        ups = np.array([slope - self._wide_down[0], slope - self._wide_down[-1]])
        ups = np.concatenate([ups, ups / math.hypot(1.0, float(self._wide_aside[0]))])
        ends = (home_slope - ups) * self._focal + self._half_h
        top, bottom = math.floor(float(ends.min()) / _BAND), math.ceil(float(ends.max() + STEP) / _BAND)
        return self._continued(home.tobytes(), top * _BAND, bottom * _BAND)

    def _continued_around(self, home: bytes, top: int, bottom: int) -> _Around:
        """These rows of the cylinder."""
        picture, columns = self._on_cylinder(self._picture_of(home), top, bottom), self._columns(home)
        # The circle closes, so its two ends are joined as well.
        wrapped = np.concatenate([columns[-OVERLAP:], columns, columns[:OVERLAP]])
        pixels = np.rint(np.clip(quilted(picture, wrapped)[:, OVERLAP:-OVERLAP], 0.0, 255.0)).astype(np.uint8)
        size = self._shown // STEP, len(picture) // STEP
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        return _Around(pixels, small[:, columns[::STEP] // STEP], top)

    def _columns_of(self, home: bytes) -> Indices:
        return surrounding_columns(self._on_cylinder(self._picture_of(home), 0, self._height), self._total)

    def _picture_of(self, home: bytes) -> Bytes:
        return np.frombuffer(home, dtype=np.uint8).reshape(self._height, self._width, 3)

    def _on_cylinder(self, home: Bytes, top: int, bottom: int) -> Floats:
        """The columns of a picture on the cylinder; rows are those in the picture's middle column."""
        aside = np.tan((np.arange(self._shown) + 0.5 - 0.5 * self._shown) * self._rad)
        y = (np.arange(top, bottom)[:, None] - self._half_h) * np.hypot(1.0, aside)[None, :] + self._half_h
        more = max(0, math.ceil(-float(y.min())), math.ceil(float(y.max())) + 1 - self._height)
        x = np.broadcast_to(aside[None, :] * self._focal + self._half_w, y.shape)
        return _read(continued_up_and_down(home, more), x, y + more, cv2.INTER_CUBIC)

    def _part(self, around: _Around, turn: float, highest: float) -> _Part:
        """As much of the cylinder as a wide picture shows of a look there."""
        first, last = (self._column(float(self._wide_aside[end]), turn) for end in (0, -1))
        start, stop = (math.floor(first) - 2) // STEP * STEP, math.ceil(last) + 2 + STEP
        begin, end = start % self._total, (start % self._total) + stop - start
        pixels = around.pixels[:, begin:end]
        if end > self._total:
            pixels = np.concatenate([pixels, around.pixels[:, : end - self._total]], axis=1)
        return _Part(pixels, start, turn, highest)

    def _column(self, aside: Any, turn: float) -> Any:
        """Of the cylinder."""
        return (np.arctan(aside) + turn) / self._rad + 0.5 * self._shown - 0.5

    def _seen(self, parts: tuple[_Part, _Part], slope: float, aside: Floats, down: Floats, coarse: int) -> Floats:
        """The view with these slopes of its columns and rows, whose halves look at two parts; `coarse` is how many
        pixels of the cylinder one of its has along each axis."""
        left, right = parts
        picture = self._seen_of(right, slope, aside, down, coarse)
        if left is right:
            return picture
        share = np.clip(0.5 - aside * self._focal / _MIDDLE, 0.0, 1.0)
        other = self._seen_of(left, slope, aside, down, coarse)
        return np.asarray(picture + share[None, :, None] * (other - picture), dtype=np.float32)

    def _seen_of(self, part: _Part, slope: float, aside: Floats, down: Floats, coarse: int) -> Floats:
        pixels = part.pixels
        if coarse > 1:
            size = pixels.shape[1] // coarse, pixels.shape[0] // coarse
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        up = (slope - down)[:, None] / np.hypot(1.0, aside)[None, :]
        y = ((part.highest - up) * self._focal + 0.5) / coarse - 0.5
        x = (self._column(aside, part.turn) - part.first + 0.5) / coarse - 0.5
        return _read(pixels, np.broadcast_to(x, y.shape), y, cv2.INTER_LINEAR)

    def _sides(self, known: Patch) -> tuple[Floats, Floats]:
        """Cells of each half of a wide picture that are not known. What is above and below tells little."""
        unknown = (_small(known.mask) <= _KNOWN).astype(np.float32)
        rows = np.arange(len(unknown)) * _CELL
        unknown[(rows < self._view.down.inner.start) | (rows >= self._view.down.inner.stop)] = 0.0
        cells = len(unknown[0])
        left = np.arange(cells) < cells // 2
        return unknown * left, unknown * ~left

    def _best_turn(self, around: _Around, known: Patch, look: Look, highest: float, missing: Floats) -> float:
        """Where to look on the cylinder so that it goes on best from what is known beside the `missing` cells."""
        rim = cv2.dilate(missing, np.ones(_RIM[::-1], dtype=np.uint8)) * _sure(known)
        wanted, weight = self._cells_on_cylinder(len(around.cells), known, rim, look.slope, highest)
        if float(weight.sum()) < _LEAST_RIM:
            return look.turn
        width = len(wanted[0])
        wrapped = np.concatenate([around.cells, around.cells[:, : width - 1]], axis=1)
        unlike = cv2.matchTemplate(wrapped, wanted, cv2.TM_SQDIFF, mask=np.dstack([weight] * 3))[0]
        unlike = np.maximum(unlike, 0.0) / (3.0 * float(weight.sum()))
        ahead = (look.turn / self._rad + 0.5 * self._shown) / STEP - 0.5 * width
        half = 0.5 * len(unlike)
        away = (np.arange(len(unlike)) - ahead + half) % len(unlike) - half
        best = int(((unlike + _LIKE_ENOUGH) * (1.0 + _FAR_ASIDE * np.abs(away) / half)).argmin())
        # Straight on is exactly straight on, and not on the next cell.
        return look.turn + (float(away[best]) * STEP * self._rad if abs(away[best]) >= 1.0 else 0.0)

    def _cells_on_cylinder(
        self, rows: int, known: Patch, rim: NDArray[Any], slope: float, highest: float
    ) -> tuple[Floats, Floats]:
        """A wide picture and the weights of its cells, as they lie on the cylinder, whose first row is the highest."""
        rad = self._rad * STEP
        columns = int(2.0 * math.atan(float(self._wide_aside[-1])) / rad)
        aside = np.tan((np.arange(columns) + 0.5 - 0.5 * columns) * rad)[None, :]
        up = highest - ((np.arange(rows) + 0.5) * STEP - 0.5)[:, None] / self._focal
        y = (self._view.down.places_of(slope - up * np.hypot(1.0, aside)) + 0.5) / _CELL - 0.5
        x = np.broadcast_to((self._view.across.places_of(aside) + 0.5) / _CELL - 0.5, y.shape)
        weight = cv2.remap(rim, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)  # 0 outside
        return _read(_small(known.picture), x, y, cv2.INTER_LINEAR), np.asarray(weight, dtype=np.float32)


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
    size = len(pixels[0]) // _CELL, len(pixels) // _CELL
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _read(pixels: Bytes | Floats, x: NDArray[Any], y: NDArray[Any], interpolation: int) -> Floats:
    read = cv2.remap(pixels, x.astype(np.float32), y.astype(np.float32), interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, dtype=np.float32)


def turn_between(before: float, after: float) -> float:
    """From one yaw to another, the shorter way round."""
    return math.remainder(after - before, 2.0 * math.pi)
