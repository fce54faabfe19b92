"""Draws frames from soft layers, on one thread, with NumPy and OpenCV: what play runs thirty times a second.

For a target look with slopes r and a camera that moved by t, the slope in the keyframe is r + d * (t_xy - t_z * r),
linear in inverse depth d. So each layer takes a few rounds of a fixed point on a coarse grid, which is then enlarged
linearly, a `cv2.remap` of its colours and one of its alpha, and a blend. `layer_rendering` is the same for torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    LAYERS,
    SKY,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from world_model.config import ModelConfig

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_ROUNDS: Final = 2  # of the fixed point; play moves a metre at most from a keyframe
_SIDEWAYS: Final = 0.1  # least share of the look that goes forward
_STEEP_PLANE: Final = 0.15
_FADE_FROM: Final = 0.1  # forward metres left of each metre of distance, below which a layer fades
_FADE: Final = 0.25
_BACK_PROJECTIONS: Final = 2  # each takes what is lost in halving back into the larger picture (Irani and Peleg 1991)
_EMPTY: Final = 6  # alpha of 255 up to which a layer is not drawn
_MIDDLE: Final = tuple(0.5 * (a + b) for a, b in zip(INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR, strict=True))


@dataclass(frozen=True, slots=True)
class Layers:
    """A keyframe's soft layers, back to front. Arrays are never written again.

    A layer shows the picture where it is what one sees from the keyframe, and its hidden colours where nearer layers
    cover it.
    """

    alpha: Bytes  # [LAYERS, h, w]
    hidden: Bytes  # [HIDDEN, h, w, 3], of the first layers; the others hide nothing that is known, and show the picture
    picture: Bytes  # [FINE * h, FINE * w, 3]: the keyframe itself
    relief: Floats  # [LAYERS, rows, columns]: inverse depth; the ground's is added to the plane below the eye
    slope: float  # tangent of looking up, of the keyframe
    doubt: float = 0.0  # of the distances, as `world_model.certainty` tells it


class TracedFrame(NamedTuple):
    """A frame, and where in the keyframe each of its pixels comes from."""

    picture: Bytes  # [h, w, 3]
    mask: Floats  # [h, w]: share of each pixel that lay within the keyframe's picture
    x: Floats  # [h, w]: what is seen most of a pixel, as pixels of the keyframe's picture
    y: Floats
    visible: Floats  # [h, w]: how much of that is seen from the keyframe itself, 0 to 1


class _Coarse(NamedTuple):
    """Where a layer's points lie in the keyframe, on the corners of the relief's cells; pixels of its layers."""

    x: Floats
    y: Floats
    keep: Floats  # share that is drawn: what comes behind the camera fades out


class _Window(NamedTuple):
    """The cells that a layer covers in a frame."""

    top: int
    bottom: int
    left: int
    right: int


class _Drawn(NamedTuple):
    """A layer at the pixels of its window."""

    where: tuple[slice, slice]
    x: Floats  # in the keyframe; pixels of its layers
    y: Floats
    alpha: Floats


class LayerRenderer:
    """Draws frames of one size from layers of the config's. Has no state; any number of threads may call."""

    def __init__(self, config: ModelConfig, height: int | None = None) -> None:
        """`height` of the frames in pixels, a multiple of 1/8 of the config's; the config's by default."""
        self._rows, self._columns = config.height // 8, config.width // 8
        self._height = height or config.height
        self._width = self._height * config.width // config.height
        self._focal = config.focal
        self._cell = self._height // self._rows
        half_w, half_h = 0.5 * config.width / config.focal, 0.5 * config.height / config.focal
        self._aside = np.linspace(-half_w, half_w, self._columns + 1, dtype=np.float32)[None, :]
        self._down = np.linspace(-half_h, half_h, self._rows + 1, dtype=np.float32)[:, None]

    def render(self, layers: Layers, relative_pose: Floats) -> Bytes:
        """The picture [h, w, 3] of the layers from another place.

        `relative_pose` is the new pose relative to the keyframe's, as `relative_pose_between` gives it.
        """
        picture = np.zeros((self._height, self._width, 3), dtype=np.uint8)
        visible = visible_weights(layers.alpha)
        for layer, drawn in self._drawn(layers, relative_pose):
            seen, below = self._colours(layers, visible, layer, drawn), np.ascontiguousarray(picture[drawn.where])
            picture[drawn.where] = cv2.blendLinear(seen, below, drawn.alpha, 1.0 - drawn.alpha)
        return picture

    def trace(self, layers: Layers, relative_pose: Floats) -> TracedFrame:
        """The same, and where it comes from."""
        size = self._height, self._width
        picture = np.zeros((*size, 3), dtype=np.uint8)
        mask, most, x, y, shown = (np.zeros(size, dtype=np.float32) for _ in range(5))
        visible = visible_weights(layers.alpha)
        height, width = layers.alpha.shape[1:]
        for layer, drawn in self._drawn(layers, relative_pose):
            where, alpha = drawn.where, drawn.alpha
            seen, below = self._colours(layers, visible, layer, drawn), np.ascontiguousarray(picture[where])
            picture[where] = cv2.blendLinear(seen, below, alpha, 1.0 - alpha)
            inside = (drawn.x > -0.5) & (drawn.x < width - 0.5) & (drawn.y > -0.5) & (drawn.y < height - 0.5)
            mask[where] += alpha * (inside - mask[where])
            most[where] *= 1.0 - alpha
            front = alpha > most[where]
            found = cv2.remap(visible[layer], drawn.x, drawn.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            for whole, part in ((most, alpha), (x, _fine(drawn.x)), (y, _fine(drawn.y)), (shown, found)):
                np.copyto(whole[where], part, where=front)
        return TracedFrame(picture, mask, x, y, shown)

    def _drawn(self, layers: Layers, relative_pose: Floats) -> Iterator[tuple[int, _Drawn]]:
        """The layers that are in the frame, back to front."""
        for layer, coarse in self._coarse(layers, relative_pose).items():
            window = self._window(layers.alpha[layer], coarse, whole=layer == SKY)
            if window is None:
                continue
            x, y, keep = (self._enlarged(grid, window) for grid in coarse)
            rows = slice(window.top * self._cell, window.bottom * self._cell)
            columns = slice(window.left * self._cell, window.right * self._cell)
            alpha = cv2.remap(layers.alpha[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            share = np.multiply(alpha, np.float32(1.0 / 255.0), dtype=np.float32) * keep
            yield layer, _Drawn((rows, columns), x, y, np.ones_like(share) if layer == SKY else share)

    def _colours(self, layers: Layers, visible: Floats, layer: int, drawn: _Drawn) -> Bytes:
        """Of a layer in its window of the frame, [rows, columns, 3]."""
        seen = cv2.remap(layers.picture, _fine(drawn.x), _fine(drawn.y), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        if layer < HIDDEN:
            x, y = drawn.x, drawn.y
            behind = cv2.remap(layers.hidden[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            share = cv2.remap(visible[layer], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            share = np.clip(2.0 * share - 0.5, 0.0, 1.0, dtype=np.float32)  # mixtures are blurred, so they are narrow
            seen = cv2.blendLinear(seen, behind, share, 1.0 - share)
        return np.asarray(seen, dtype=np.uint8)

    def _coarse(self, layers: Layers, relative_pose: Floats) -> Mapping[int, _Coarse]:
        """By layer, of those that hold something."""
        right, up, forward, turn, slope, new_slope = (float(value) for value in relative_pose)
        sin, cos = math.sin(turn), math.cos(turn)
        ahead = np.maximum(cos - self._aside * sin, _SIDEWAYS)
        x0 = np.broadcast_to((self._aside * cos + sin) / ahead, (self._rows + 1, self._columns + 1))
        y0 = (new_slope - self._down) / ahead
        x1, y1 = right - forward * x0, up - forward * y0
        found: dict[int, _Coarse] = {}
        for layer in range(LAYERS):
            if layer != SKY and not layers.alpha[layer, ::2, ::2].any():
                continue
            plane, scale = np.float32(0.0), np.float32(1.0)
            if layer == GROUND:
                plane, scale = -y0 / EYE_HEIGHT_M, np.maximum(1.0 + y1 / EYE_HEIGHT_M, _STEEP_PLANE)
            depth = np.clip((_MIDDLE[layer] + plane) / scale, 0.0, CLOSEST)
            depth = np.broadcast_to(depth, x0.shape)
            for _ in range(_ROUNDS if layer != SKY else 0):
                x, y = self._pixels(x0 + depth * x1, slope - y0 - depth * y1)
                relief = cv2.remap(
                    layers.relief[layer],
                    (x + 0.5) / np.float32(CELL) - np.float32(0.5),
                    (y + 0.5) / np.float32(CELL) - np.float32(0.5),
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                depth = np.clip((relief + plane) / scale, 0.0, CLOSEST)
            keep = np.clip((1.0 - forward * depth - _FADE_FROM) / _FADE, 0.0, 1.0)
            x, y = self._pixels(x0 + depth * x1, slope - y0 - depth * y1)
            found[layer] = _Coarse(x, y, keep.astype(np.float32))
        return found

    def _pixels(self, aside: NDArray[Any], down: NDArray[Any]) -> tuple[Floats, Floats]:
        """Slopes as pixels of a keyframe's layers."""
        x = aside * self._focal + (0.5 * CELL * self._columns - 0.5)
        y = down * self._focal + (0.5 * CELL * self._rows - 0.5)
        return x.astype(np.float32), y.astype(np.float32)

    def _window(self, alpha: Bytes, coarse: _Coarse, *, whole: bool) -> _Window | None:
        """The cells that a layer may cover, or None where it is out of the frame."""
        if whole:
            return _Window(0, self._rows, 0, self._columns)
        blocks = alpha.reshape(self._rows, CELL, self._columns, CELL)
        # A corner stands for the cells around it, and a mapped one may lie between two.
        most = cv2.dilate(blocks.max(axis=(1, 3)), np.ones((3, 3), dtype=np.uint8))
        share = np.float32(1.0 / CELL)
        covered = (
            cv2.remap(
                most,
                (coarse.x + 0.5) * share - np.float32(0.5),
                (coarse.y + 0.5) * share - np.float32(0.5),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
            > _EMPTY
        ) & (coarse.keep > 0.0)
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        if not len(rows):
            return None
        return _Window(
            max(0, int(rows[0]) - 1),
            min(self._rows, int(rows[-1]) + 1),
            max(0, int(columns[0]) - 1),
            min(self._columns, int(columns[-1]) + 1),
        )

    def _enlarged(self, grid: Floats, window: _Window) -> Floats:
        """The window of a coarse grid of corners, linearly at the middles of pixels."""
        part = grid[window.top : window.bottom + 1, window.left : window.right + 1]
        size, half = (part.shape[1] * self._cell, part.shape[0] * self._cell), self._cell // 2
        whole = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(whole[half:-half, half:-half], dtype=np.float32)


def layer_sized(picture: Bytes) -> Bytes:
    """A keyframe's picture at the size of its layers."""
    size = picture.shape[1] // FINE, picture.shape[0] // FINE
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def picture_sized(picture: Bytes) -> Bytes:
    """A picture of the size of layers as large as a keyframe's; `layer_sized` gives it back nearly unchanged."""
    size = picture.shape[1] * FINE, picture.shape[0] * FINE
    wanted = picture.astype(np.float32)
    large = np.zeros((*size[::-1], 3), dtype=np.float32)
    for _ in range(_BACK_PROJECTIONS):
        small = cv2.resize(large, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_AREA)
        large += cv2.resize(wanted - small, size, interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(large, 0.0, 255.0)).astype(np.uint8)


def visible_weights(alpha: Bytes) -> Floats:
    """How much of each layer is seen from the keyframe, 0 to 1: its alpha, less what nearer ones cover."""
    weights = np.empty(alpha.shape, dtype=np.float32)
    clear = np.ones(alpha.shape[1:], dtype=np.float32)
    for layer in reversed(range(LAYERS)):
        weights[layer] = clear if layer == SKY else clear * (alpha[layer] * np.float32(1.0 / 255.0))
        clear = clear - weights[layer]
    return weights


def _fine(places: Floats) -> Floats:
    """Pixels of a keyframe's layers as pixels of its picture."""
    return (places + np.float32(0.5)) * np.float32(FINE) - np.float32(0.5)
