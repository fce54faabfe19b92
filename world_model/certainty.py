"""How sure the distances of a keyframe are, and the smooth layers that take the place of those that are not.

A place has no left and right of its own. So a network that knows how far things are says the same of a picture and of
its mirror image, and what it says of the two differs where it guesses. Of ten signs that were compared this one told
best how wrong the distances are (docs/training_log.md, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np

from world_model.layers import CELL, EYE_HEIGHT_M, GROUND, HIDDEN, LAYERS, SKY, Layers, layer_sized
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from world_model.config import ModelConfig
    from world_model.layers import Bytes, Floats

SURE_BELOW: Final = 0.07  # doubt
_DOUBT_FLOOR: Final = 0.03  # 1/m: differences are relative, but not to nothing
_WALL_FARTHEST: Final = 1.0 / 30.0  # 1/m, of the smooth layers
_WALL_NEAREST: Final = 1.0 / 5.0
_SMOOTH_CELLS: Final = 2.5  # deviation of the Gaussian that smooths the wall, cells of the relief


class LayerSource(Protocol):
    """Takes pictures apart into layers: the scene network."""

    def see(self, picture: Bytes, slope: float) -> Layers: ...


class Seer(Protocol):
    """Takes pictures apart into layers, and says how sure it is of them."""

    def see(self, picture: Bytes, slope: float, *, doubt: float | None = None) -> Layers: ...


@dataclass(frozen=True, slots=True)
class CertainSeer:
    """Asks a network twice, and answers with smooth layers where its two answers differ. Has no state."""

    config: ModelConfig
    source: LayerSource

    def see(self, picture: Bytes, slope: float, *, doubt: float | None = None) -> Layers:
        """The layers of a picture, uint8 [FINE * h, FINE * w, 3], that was seen with this tangent of looking up.

        `doubt` is that of the keyframe that the picture was drawn from, None for a picture that somebody brought. What
        was drawn has blurs and seams that say nothing of how well the place is understood, so that it keeps its doubt,
        and the network is asked once.
        """
        layers = self.source.see(picture, slope)
        if doubt is not None and doubt < SURE_BELOW:
            return replace(layers, doubt=doubt)
        seen = cell_inverse_depth(self.config, layers)
        if doubt is None:
            mirrored = self.source.see(np.ascontiguousarray(picture[:, ::-1]), slope)
            other = cell_inverse_depth(self.config, mirrored)[:, ::-1]
            doubt, seen = doubt_between(seen, other), 0.5 * (seen + other)
        if doubt >= SURE_BELOW:
            layers = smooth_layers(self.config, picture, seen, slope)
        return replace(layers, doubt=doubt)


def doubt_between(seen: Floats, other: Floats) -> float:
    """The mean relative difference of two maps of inverse depth."""
    return float((np.abs(seen - other) / (0.5 * (seen + other) + _DOUBT_FLOOR)).mean())


def smooth_layers(config: ModelConfig, picture: Bytes, inverse_depth: Floats, slope: float) -> Layers:
    """One layer with the whole picture: level ground that meets a wall, curved as softly as `inverse_depth` [cells]
    makes it in the mean of each column. Nothing can come apart in it, and little can be told from it."""
    rows, columns = inverse_depth.shape
    row_slopes = _row_slopes(config, rows, slope)
    above = row_slopes > 0.0
    wall = inverse_depth[above].mean(axis=0) if above.any() else np.zeros(columns, dtype=np.float32)
    wall = cv2.GaussianBlur(wall[None].astype(np.float32), (0, 0), _SMOOTH_CELLS, borderType=cv2.BORDER_REPLICATE)
    wall = np.clip(wall, _WALL_FARTHEST, _WALL_NEAREST)
    plane = row_slopes[:, None] / np.float32(EYE_HEIGHT_M)
    relief = np.zeros((LAYERS, rows, columns), dtype=np.float32)
    relief[GROUND] = np.maximum(-plane, wall) + plane
    height, width = rows * CELL, columns * CELL
    alpha = np.zeros((LAYERS, height, width), dtype=np.uint8)
    alpha[[SKY, GROUND]] = 255
    small = layer_sized(picture)
    return Layers(alpha, (small,) * HIDDEN, picture, WideView(config).mirrored(small), relief, slope)


def cell_inverse_depth(config: ModelConfig, layers: Layers) -> Floats:
    """Inverse depth of what a keyframe shows, [h / 8, w / 8]."""
    rows, columns = layers.relief.shape[1:]
    plane = _row_slopes(config, rows, layers.slope)[:, None] / np.float32(EYE_HEIGHT_M)
    found = np.zeros((rows, columns), dtype=np.float32)
    for layer in range(1, LAYERS):
        alpha = layers.alpha[layer].reshape(rows, CELL, columns, CELL).mean(axis=(1, 3), dtype=np.float32) / 255.0
        depth = layers.relief[layer] - (plane if layer == GROUND else 0.0)
        found += alpha * (np.maximum(depth, 0.0) - found)
    return found


def _row_slopes(config: ModelConfig, rows: int, slope: float) -> Floats:
    """Tangent of looking up through the middle of each row of cells."""
    down = (np.arange(rows, dtype=np.float32) + 0.5 - 0.5 * rows) * np.float32(8.0 / config.focal)
    return np.float32(slope) - down
