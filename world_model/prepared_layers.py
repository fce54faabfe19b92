"""What drawing needs of a keyframe's layers and can work out once: a keyframe is drawn for a second, thirty times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from world_model.certainty import SURE_BELOW, cell_inverse_depth
from world_model.layers import CELL, LAYERS, MARGIN, SKY, THINGS
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.config import ModelConfig
    from world_model.layers import Bytes, Floats, Layers

_MOVED_M: Final = 0.05  # from a keyframe, at which things 3 m away have moved by about their margins


@dataclass(frozen=True, slots=True)
class PreparedLayers:
    """Layers, and what follows from them alone. Arrays are never written again.

    It takes 2.2 MiB besides the layers, and some milliseconds to make. So it is kept of the keyframes that are being
    drawn, and made anew of a remembered one that is drawn again.
    """

    layers: Layers
    held: tuple[int, ...]  # layers that hold something, back to front
    most: Bytes  # [LAYERS, rows, columns]: the largest alpha in each cell of the relief and those around it
    visible: Floats  # [LAYERS, h, w]: how much of each layer is seen from the keyframe, 0 to 1
    hidden: tuple[Bytes, ...]  # [h, w, 4] each: the layers' hidden colours
    texture: Bytes  # [FINE * h', FINE * w', 3]: the wide picture [h', w', 3], and the keyframe's picture in its middle
    inverse_depth: Floats | None  # [rows, columns]: of what is shown; None where that is a guess

    @classmethod
    def of(cls, config: ModelConfig, layers: Layers) -> PreparedLayers:
        """`config` has the size of the layers."""
        return cls(
            layers,
            tuple(layer for layer in range(LAYERS) if layer == SKY or layers.alpha[layer, ::2, ::2].any()),
            _most(layers.alpha),
            _visible(layers.alpha),
            _with_fourth(layers.hidden),
            WideView(config).texture(layers.wide, layers.picture),
            cell_inverse_depth(config, layers) if layers.doubt < SURE_BELOW else None,
        )

    def own_colours(self, metres: float) -> Floats:
        """How much of each layer has the colours of the keyframe's picture, so far away from it: [LAYERS, h, w].

        At the keyframe the picture is right everywhere. What it shows of nearer things in a layer behind them comes to
        light once they have moved against it.
        """
        share = metres / _MOVED_M
        return self.visible if share >= 1.0 else 1.0 - np.float32(share) * (1.0 - self.visible)


def with_fourth(colours: NDArray[Any]) -> Bytes:
    """Pixels [h, w, 3] as [h, w, 4]: OpenCV and NumPy move and mix four bytes as one."""
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2RGBA), dtype=np.uint8)


def _with_fourth(hidden: tuple[Bytes, ...]) -> tuple[Bytes, ...]:
    """Pictures that are one stay one."""
    made = {id(colours): with_fourth(colours) for colours in hidden}
    return tuple(made[id(colours)] for colours in hidden)


def _most(alpha: Bytes) -> Bytes:
    layers, height, width = alpha.shape
    rows = alpha.reshape(layers, height // CELL, CELL, width).max(axis=2)  # far faster than both axes at once
    cells = rows.reshape(layers, height // CELL, width // CELL, CELL).max(axis=3)
    return np.stack([cv2.dilate(layer, np.ones((3, 3), dtype=np.uint8)) for layer in cells]).astype(np.uint8)


def _visible(alpha: Bytes) -> Floats:
    """The alpha of each layer, less what nearer ones cover, and less the margins of things."""
    weights = np.empty(alpha.shape, dtype=np.float32)
    clear = np.ones(alpha.shape[1:], dtype=np.float32)
    around, scale = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), dtype=np.uint8), np.float32(1.0 / 255.0)
    for layer in reversed(range(LAYERS)):
        weights[layer] = clear if layer == SKY else clear * (alpha[layer] * scale)
        covered = cv2.dilate(alpha[layer], around) if layer in THINGS else alpha[layer]
        clear = clear * (np.float32(1.0) - covered * scale)
    return weights
