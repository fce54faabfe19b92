"""Draws frames from soft layers, on one thread, with NumPy and OpenCV: what play runs thirty times a second.

For a target look with slopes r and a camera that moved by t, the slope in the keyframe is r + d * (t_xy - t_z * r),
linear in inverse depth d. So each layer takes a few rounds of a fixed point on a coarse grid, which is then enlarged
linearly, one `cv2.remap` of its colours and alpha, and one blend. `layer_rendering` is the same for torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from world_model.layers import CLOSEST, EYE_HEIGHT_M, GROUND, INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR, LAYERS, SKY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from world_model.config import ModelConfig

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_ROUNDS: Final = 2  # of the fixed point; play moves a metre at most from a keyframe
_SIDEWAYS: Final = 0.1  # least share of the look that goes forward
_STEEP_PLANE: Final = 0.15
_FADE_FROM: Final = 0.1  # forward metres left of each metre of distance, below which a layer fades
_FADE: Final = 0.25
_EMPTY: Final = 6  # alpha of 255 up to which a layer is not drawn
_MIDDLE: Final = tuple(0.5 * (a + b) for a, b in zip(INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR, strict=True))


@dataclass(frozen=True, slots=True)
class Layers:
    """A keyframe's soft layers, back to front. Arrays are never written again."""

    rgba: Bytes  # [LAYERS, h, w, 4]
    relief: Floats  # [LAYERS, rows, columns]: inverse depth; the ground's is added to the plane below the eye
    slope: float  # tangent of looking up, of the keyframe
    doubt: float = 0.0  # of the distances, as `world_model.certainty` tells it


class MaskedFrame(NamedTuple):
    picture: Bytes  # [h, w, 3]
    mask: Floats  # [h, w]: share of each pixel that lay within the keyframe's picture


class _Coarse(NamedTuple):
    """Where a layer's points lie in the keyframe, on the corners of the relief's cells; pixels."""

    x: Floats
    y: Floats
    keep: Floats  # share that is drawn: what comes behind the camera fades out


class _Window(NamedTuple):
    """The cells that a layer covers in a frame."""

    top: int
    bottom: int
    left: int
    right: int


class LayerRenderer:
    """Draws layers of one size. Has no state; any number of threads may call."""

    def __init__(self, config: ModelConfig, height: int | None = None) -> None:
        """`height` in pixels, a multiple of the config's or 1/8 of it; the config's by default."""
        self._rows, self._columns = config.height // 8, config.width // 8
        self._height = height or config.height
        self._width = self._height * config.width // config.height
        self._focal = config.focal * self._height / config.height
        self._cell = self._height // self._rows
        half_w, half_h = 0.5 * self._width / self._focal, 0.5 * self._height / self._focal
        self._aside = np.linspace(-half_w, half_w, self._columns + 1, dtype=np.float32)[None, :]
        self._down = np.linspace(-half_h, half_h, self._rows + 1, dtype=np.float32)[:, None]
        self._rows_up = _enlarging(self._height, self._cell)
        self._columns_up = np.ascontiguousarray(_enlarging(self._width, self._cell).T)

    def render(self, layers: Layers, relative_pose: Floats, *, sharp: bool = True) -> Bytes:
        """The picture [h, w, 3] of the layers from another place.

        `relative_pose` is the new pose relative to the keyframe's, as `relative_pose_between` gives it. `sharp` asks
        for cubic interpolation; linear takes half the time.
        """
        return self._render(layers, relative_pose, None, sharp=sharp)

    def render_masked(self, layers: Layers, relative_pose: Floats) -> MaskedFrame:
        """The same, and where the keyframe showed it."""
        mask = np.zeros((self._height, self._width), dtype=np.float32)
        return MaskedFrame(self._render(layers, relative_pose, mask, sharp=True), mask)

    def _render(self, layers: Layers, relative_pose: Floats, mask: Floats | None, *, sharp: bool) -> Bytes:
        """Draw, and fill the mask if one is given."""
        how = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
        picture = np.zeros((self._height, self._width, 4), dtype=np.uint8)
        for layer, coarse in self._coarse(layers, relative_pose).items():
            window = self._window(layers.rgba[layer], coarse, whole=layer == SKY)
            if window is None:
                continue
            x, y, keep = (self._enlarged(grid, window) for grid in coarse)
            seen = np.asarray(cv2.remap(layers.rgba[layer], x, y, how, borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)
            rows = slice(window.top * self._cell, window.bottom * self._cell)
            columns = slice(window.left * self._cell, window.right * self._cell)
            alpha = np.multiply(seen[:, :, 3], np.float32(1.0 / 255.0), dtype=np.float32) * keep
            if layer == SKY:
                alpha = np.ones_like(alpha)
            below = np.ascontiguousarray(picture[rows, columns])
            picture[rows, columns] = cv2.blendLinear(seen, below, alpha, 1.0 - alpha)
            if mask is not None:
                inside = (x > -0.5) & (x < self._width - 0.5) & (y > -0.5) & (y < self._height - 0.5)
                mask[rows, columns] += alpha * (inside - mask[rows, columns])
        return np.ascontiguousarray(picture[:, :, :3])

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
            if layer != SKY and not layers.rgba[layer, ::2, ::2, 3].any():
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
                    (x + 0.5) / np.float32(self._cell) - np.float32(0.5),
                    (y + 0.5) / np.float32(self._cell) - np.float32(0.5),
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                depth = np.clip((relief + plane) / scale, 0.0, CLOSEST)
            keep = np.clip((1.0 - forward * depth - _FADE_FROM) / _FADE, 0.0, 1.0)
            x, y = self._pixels(x0 + depth * x1, slope - y0 - depth * y1)
            found[layer] = _Coarse(x, y, keep.astype(np.float32))
        return found

    def _pixels(self, aside: NDArray[Any], down: NDArray[Any]) -> tuple[Floats, Floats]:
        """Slopes as pixels of a picture."""
        x = aside * self._focal + (0.5 * self._width - 0.5)
        y = down * self._focal + (0.5 * self._height - 0.5)
        return x.astype(np.float32), y.astype(np.float32)

    def _window(self, rgba: Bytes, coarse: _Coarse, *, whole: bool) -> _Window | None:
        """The cells that a layer may cover, or None where it is out of the frame."""
        if whole:
            return _Window(0, self._rows, 0, self._columns)
        blocks = rgba[:, :, 3].reshape(self._rows, self._cell, self._columns, self._cell)
        # A corner stands for the cells around it, and a mapped one may lie between two.
        most = cv2.dilate(blocks.max(axis=(1, 3)), np.ones((3, 3), dtype=np.uint8))
        share = np.float32(1.0 / self._cell)
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
        """The window of a coarse grid, at pixels."""
        rows, columns = self._rows_up, self._columns_up
        part = grid[window.top : window.bottom + 1, window.left : window.right + 1]
        up = rows[window.top * self._cell : window.bottom * self._cell, window.top : window.bottom + 1]
        aside = columns[window.left : window.right + 1, window.left * self._cell : window.right * self._cell]
        return np.asarray(up @ part @ aside, dtype=np.float32)


def _enlarging(pixels: int, cell: int) -> Floats:
    """Linear interpolation from the corners of cells to the middles of pixels, [pixels, pixels / cell + 1]."""
    weights = np.zeros((pixels, pixels // cell + 1), dtype=np.float32)
    for pixel in range(pixels):
        corner, share = divmod((pixel + 0.5) / cell, 1.0)
        weights[pixel, int(corner)], weights[pixel, int(corner) + 1] = 1.0 - share, share
    return weights
