"""Draws frames from soft layers, on one thread, with NumPy and OpenCV: what play runs thirty times a second.

For a target look with slopes r and a camera that moved by t, the slope in the keyframe is r + d * (t_xy - t_z * r),
linear in inverse depth d. So each layer takes a few rounds of a fixed point on a coarse grid, which is then enlarged
linearly, a `cv2.remap` of its colours and one of its alpha, and a blend. `layer_rendering` is the same for torch.

Beyond the keyframe's picture the colours are those of its wide picture, and alphas and reliefs go on as they are at the
edge: what is cut off there continues at its own distance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from world_model.layers import (
    CELL,
    CLOSEST,
    EYE_HEIGHT_M,
    FINE,
    GROUND,
    HIDDEN,
    INVERSE_DEPTH_FAR,
    INVERSE_DEPTH_NEAR,
    SKY,
)
from world_model.pixel_rows import in_rows
from world_model.prepared_layers import with_fourth
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.config import ModelConfig
    from world_model.layers import Bytes, Floats, Mask
    from world_model.prepared_layers import PreparedLayers

Words = np.ndarray[Any, np.dtype[np.uint32]]

_ROUNDS: Final = 2  # of the fixed point; play moves a metre at most from a keyframe
_SIDEWAYS: Final = 0.1  # least share of the look that goes forward
_STEEP_PLANE: Final = 0.15
_FADE_FROM: Final = 0.1  # forward metres left of each metre of distance, below which a layer fades
_FADE: Final = 0.25
_EMPTY: Final = 6  # alpha of 255 up to which a layer is not drawn
_MIDDLE: Final = tuple(0.5 * (a + b) for a, b in zip(INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR, strict=True))


class TracedFrame(NamedTuple):
    """A frame, and where in the keyframe each of its pixels comes from."""

    picture: Bytes  # [h, w, 3]
    mask: Floats  # [h, w]: share of each pixel that lay within the keyframe's picture
    x: Floats  # [h, w]: what is seen most of a pixel, as pixels of the keyframe's picture
    y: Floats
    visible: Floats  # [h, w]: how much of that has the colours of the keyframe's picture, 0 to 1

    def part(self, part: tuple[slice, slice]) -> TracedFrame:
        """These rows and columns."""
        return TracedFrame(self.picture[part], self.mask[part], self.x[part], self.y[part], self.visible[part])


class WideFrame(NamedTuple):
    """What a keyframe shows around another place."""

    picture: Bytes  # [*WideView.shape, 3]
    mask: Floats  # [*WideView.shape]: share of each pixel that lay within the keyframe's picture
    wide_mask: Floats  # and within its wide picture


class _Coarse(NamedTuple):
    """Where layers' points lie in the keyframe: [layers, rows + 1, columns + 1], the corners of the relief's cells."""

    x: Floats  # pixels of the keyframe's layers
    y: Floats
    across: Floats  # the same, as pixels of its texture, or of its wide picture
    down: Floats
    keep: Floats  # share that is drawn: what comes behind the camera fades out


class _Window(NamedTuple):
    """Cells of a frame."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def empty(self) -> bool:
        return self.top >= self.bottom or self.left >= self.right


class _Drawn(NamedTuple):
    """The pixels of a frame in which a layer shows, [n, ROW]. The last may be there several times."""

    layer: int
    pixels: NDArray[np.intp]  # which of the frame's
    x: Floats  # in the keyframe; pixels of its layers
    y: Floats
    across: Floats  # pixels of its texture, or of its wide picture
    down: Floats
    alpha: Floats


class LayerRenderer:
    """Draws frames of one size from layers of the config's. Has no state; any number of threads may call."""

    def __init__(self, config: ModelConfig, height: int | None = None, *, wide: bool = False) -> None:
        """`height` of the frames in pixels, a multiple of 1/8 of the config's; the config's by default. Or `wide` ones,
        as large as a keyframe's wide picture and as far around."""
        self._view, self._wide = (view := WideView(config)), wide
        self._layer_cells = config.height // CELL, config.width // CELL
        self._height = view.shape[0] if wide else height or config.height
        self._width = view.shape[1] if wide else self._height * config.width // config.height
        self._rows, self._columns = (n // CELL for n in view.shape) if wide else self._layer_cells
        self._focal = config.focal
        self._cell = self._height // self._rows
        self._pixels = np.arange(self._height * self._width).reshape(self._height, self._width)
        corners_aside, corners_down = (
            np.arange(cells + 1) * CELL - 0.5 + (0 if wide else axis.rim)
            for cells, axis in ((self._columns, view.across), (self._rows, view.down))
        )
        self._aside = view.across.slopes(corners_aside)[None, :]
        self._down = view.down.slopes(corners_down)[:, None]

    def render(self, prepared: PreparedLayers, relative_pose: Floats) -> Bytes:
        """The picture [h, w, 3] of the layers from another place.

        `relative_pose` is the new pose relative to the keyframe's, as `relative_pose_between` gives it.
        """
        picture, own = self._blank(), prepared.own_colours(_moved(relative_pose))
        for drawn in self._drawn(prepared, relative_pose):
            _lay_over(picture, self._colours(prepared, drawn, own), drawn)
        return self._coloured(picture)

    def trace(self, prepared: PreparedLayers, relative_pose: Floats, wanted: Mask | None = None) -> TracedFrame:
        """The same, and where it comes from. All is 0 where it is not `wanted`, [h, w]; by default all is wanted."""
        picture, extent = self._blank(), prepared.layers.alpha.shape[1:]
        own = prepared.own_colours(_moved(relative_pose))
        mask, most, x, y, shown = (np.zeros(len(picture), dtype=np.float32) for _ in range(5))
        for drawn in self._drawn(prepared, relative_pose, wanted):
            at, alpha = drawn.pixels, drawn.alpha
            _lay_over(picture, self._colours(prepared, drawn, own), drawn)
            mask[at] += alpha * (_within(drawn.x, drawn.y, extent) - mask[at])
            below = most[at] * (1.0 - alpha)
            most[at] = np.maximum(alpha, below)
            front, visible = alpha > below, own[drawn.layer]
            found = cv2.remap(visible, drawn.x, drawn.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for whole, part in ((x, _fine(drawn.x)), (y, _fine(drawn.y)), (shown, found)):
                whole[at[front]] = part[front]
        return TracedFrame(self._coloured(picture), *(self._framed(part) for part in (mask, x, y, shown)))

    def around(self, prepared: PreparedLayers, relative_pose: Floats, wanted: Mask | None = None) -> WideFrame:
        """What the layers show around another place, in pixels that are coarse enough to do without hidden colours.

        `wanted` is as of `trace`.
        """
        picture, layers = self._blank(), prepared.layers
        mask, wide_mask = (np.zeros(len(picture), dtype=np.float32) for _ in range(2))
        for drawn in self._drawn(prepared, relative_pose, wanted):
            at, alpha = drawn.pixels, drawn.alpha
            seen = cv2.remap(layers.wide, drawn.across, drawn.down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            _lay_over(picture, with_fourth(seen), drawn)
            mask[at] += alpha * (_within(drawn.x, drawn.y, layers.alpha.shape[1:]) - mask[at])
            wide_mask[at] += alpha * (_within(drawn.across, drawn.down, layers.wide.shape[:2]) - wide_mask[at])
        return WideFrame(self._coloured(picture), self._framed(mask), self._framed(wide_mask))

    def _blank(self) -> Words:
        """A black frame, pixel after pixel."""
        return np.zeros(self._height * self._width, dtype=np.uint32)

    def _coloured(self, picture: Words) -> Bytes:
        """[h, w, 3]."""
        return np.asarray(cv2.cvtColor(self._framed(picture[:, None].view(np.uint8)), cv2.COLOR_RGBA2RGB), np.uint8)

    def _framed(self, pixels: NDArray[Any]) -> NDArray[Any]:
        return pixels.reshape(self._height, self._width, *pixels.shape[1:])

    def _drawn(self, prepared: PreparedLayers, relative_pose: Floats, wanted: Mask | None = None) -> list[_Drawn]:
        """The layers that are in the frame, back to front, without the pixels that are clear, covered or not wanted.

        Those would change nothing, are most of a layer's, and would cost as much as others: colours cost most.
        """
        coarse, found = self._coarse(prepared, relative_pose), list[_Drawn]()
        uncovered = np.ones((self._height, self._width), dtype=np.bool_) if wanted is None else wanted.copy()
        whole = self._cells_with(uncovered)
        for n, layer in reversed(list(enumerate(prepared.held))):
            own = _Coarse(*(grid[n] for grid in coarse))
            window = whole if layer == SKY else self._window(prepared.most[layer], own, whole)
            if window.empty:
                continue
            rows = slice(window.top * self._cell, window.bottom * self._cell)
            columns = slice(window.left * self._cell, window.right * self._cell)
            x, y = self._enlarged(own.x, window), self._enlarged(own.y, window)
            alpha = (
                np.ones(x.shape, dtype=np.float32) if layer == SKY else self._alpha(prepared, layer, own, x, y, window)
            )
            shown = np.flatnonzero((alpha > 0.0) & uncovered[rows, columns])
            if not len(shown):
                continue
            uncovered[rows, columns] &= alpha < 1.0
            at = in_rows(shown)
            grids = x, y, self._enlarged(own.across, window), self._enlarged(own.down, window), alpha
            found.append(_Drawn(layer, self._pixels[rows, columns].take(at), *(grid.take(at) for grid in grids)))
        return found[::-1]

    def _alpha(
        self, prepared: PreparedLayers, layer: int, coarse: _Coarse, x: Floats, y: Floats, window: _Window
    ) -> Floats:
        """Of a layer in its window of the frame."""
        alpha = cv2.remap(prepared.layers.alpha[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        share = np.multiply(alpha, np.float32(1.0 / 255.0), dtype=np.float32)
        return share if (coarse.keep == 1.0).all() else share * self._enlarged(coarse.keep, window)

    @staticmethod
    def _colours(prepared: PreparedLayers, drawn: _Drawn, own: Floats) -> Bytes:
        """Of a layer where it shows, [n, ROW, 4]; `own` is as `PreparedLayers.own_colours` gives it."""
        layer, x, y = drawn.layer, drawn.x, drawn.y
        seen = cv2.remap(prepared.texture, drawn.across, drawn.down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        seen = with_fourth(seen)
        if layer < HIDDEN:
            behind = cv2.remap(prepared.hidden[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            # Beyond the picture nothing is known to be hidden.
            share = cv2.remap(own[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1.0)
            share = np.clip(2.0 * share - 0.5, 0.0, 1.0, dtype=np.float32)  # mixtures are blurred, so they are narrow
            seen = cv2.blendLinear(seen, behind, share, 1.0 - share)
        return np.asarray(seen, dtype=np.uint8)

    def _coarse(self, prepared: PreparedLayers, relative_pose: Floats) -> _Coarse:
        """Of the layers that hold something."""
        right, up, forward, turn, slope, new_slope = (float(value) for value in relative_pose)
        sin, cos = math.sin(turn), math.cos(turn)
        held, corners = prepared.held, (self._rows + 1, self._columns + 1)
        ahead = np.maximum(cos - self._aside * sin, _SIDEWAYS)
        x0 = np.broadcast_to((self._aside * cos + sin) / ahead, corners)
        y0 = (new_slope - self._down) / ahead
        x1, y1 = right - forward * x0, up - forward * y0
        plane, scale, relief = (np.full((len(held), *corners), n, dtype=np.float32) for n in (0.0, 1.0, 0.0))
        if GROUND in held:
            plane[held.index(GROUND)] = -y0 / EYE_HEIGHT_M
            scale[held.index(GROUND)] = np.maximum(1.0 + y1 / EYE_HEIGHT_M, _STEEP_PLANE)
        middles = np.array([_MIDDLE[layer] for layer in held], dtype=np.float32)[:, None, None]
        depth = np.clip((middles + plane) / scale, 0.0, CLOSEST)
        for _ in range(_ROUNDS):
            x, y = self._places(x0 + depth * x1, slope - y0 - depth * y1)
            x, y = _as_cells(x), _as_cells(y)
            for n, layer in enumerate(held):
                if layer != SKY:
                    own = prepared.layers.relief[layer]
                    cv2.remap(own, x[n], y[n], cv2.INTER_LINEAR, dst=relief[n], borderMode=cv2.BORDER_REPLICATE)
            depth = np.clip((relief + plane) / scale, 0.0, CLOSEST)
        keep = np.clip((1.0 - forward * depth - _FADE_FROM) / _FADE, 0.0, 1.0)
        x, y = self._places(x0 + depth * x1, slope - y0 - depth * y1)
        across, down = self._view.across.places(x), self._view.down.places(y)
        if not self._wide:
            across, down = _fine(across), _fine(down)
        return _Coarse(x, y, across, down, keep.astype(np.float32))

    def _places(self, aside: NDArray[Any], down: NDArray[Any]) -> tuple[Floats, Floats]:
        """Slopes as pixels of a keyframe's layers."""
        rows, columns = self._layer_cells
        x = aside * self._focal + (0.5 * CELL * columns - 0.5)
        y = down * self._focal + (0.5 * CELL * rows - 0.5)
        return x.astype(np.float32), y.astype(np.float32)

    def _cells_with(self, wanted: Mask) -> _Window:
        left, top, width, height = cv2.boundingRect(wanted.view(np.uint8))
        cell = self._cell
        return _Window(top // cell, -(-(top + height) // cell), left // cell, -(-(left + width) // cell))

    @staticmethod
    def _window(most: Bytes, coarse: _Coarse, whole: _Window) -> _Window:
        """The cells of the `whole` that a layer may cover."""
        # A corner stands for the cells around it, and a mapped one may lie between two.
        x, y = _as_cells(coarse.x), _as_cells(coarse.y)
        seen = cv2.remap(most, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        covered = (seen > _EMPTY) & (coarse.keep > 0.0)
        left, top, width, height = cv2.boundingRect(covered.view(np.uint8))
        if not width:
            return _Window(0, 0, 0, 0)
        return _Window(
            max(whole.top, top - 1),
            min(whole.bottom, top + height),
            max(whole.left, left - 1),
            min(whole.right, left + width),
        )

    def _enlarged(self, grid: Floats, window: _Window) -> Floats:
        """The window of a coarse grid of corners, linearly at the middles of pixels."""
        part = grid[window.top : window.bottom + 1, window.left : window.right + 1]
        size, half = (part.shape[1] * self._cell, part.shape[0] * self._cell), self._cell // 2
        whole = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(whole[half:-half, half:-half], dtype=np.float32)


def _moved(relative_pose: Floats) -> float:
    """How far a place is from the keyframe's, metres."""
    return float(np.linalg.norm(relative_pose[:3]))


def _lay_over(picture: Words, seen: Bytes, drawn: _Drawn) -> None:
    """Blend the colours [n, ROW, 4] of a layer into a picture."""
    below = picture.take(drawn.pixels)[..., None].view(np.uint8)
    blended = cv2.blendLinear(seen, below, drawn.alpha, 1.0 - drawn.alpha)
    picture[drawn.pixels] = blended.view(np.uint32)[..., 0]


def _within(x: Floats, y: Floats, extent: tuple[int, ...]) -> NDArray[Any]:
    """Whether pixels lie in a picture of `extent` [h, w]."""
    return (x > -0.5) & (x < extent[1] - 0.5) & (y > -0.5) & (y < extent[0] - 0.5)


def _fine(places: Floats) -> Floats:
    """Pixels of a keyframe's layers as pixels of its picture."""
    return (places + np.float32(0.5)) * np.float32(FINE) - np.float32(0.5)


def _as_cells(places: Floats) -> Floats:
    """Pixels of a keyframe's layers as cells of its relief."""
    return (places + np.float32(0.5)) * np.float32(1.0 / CELL) - np.float32(0.5)
