"""The scene network as it plays: a picture to layers as they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from world_model.layers import HIDDEN, MIDDLE_THINGS, Layers, layer_sized
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from world_model.layers import Bytes
    from world_model.runtime import Runtime


@dataclass(frozen=True, slots=True)
class SceneSource:
    """A `LayerSource`. Any number of threads may call."""

    runtime: Runtime  # with the graph `see`

    def see(self, picture: Bytes, slope: float) -> Layers:
        """The layers of a picture, uint8 [FINE * h, FINE * w, 3], that was seen with this tangent of looking up."""
        small = layer_sized(picture)
        rgba, relief = self.runtime.see(small, slope)
        alpha = np.ascontiguousarray(rgba[..., 3])
        hidden = [np.ascontiguousarray(rgba[layer, ..., :3]) for layer in range(HIDDEN)]
        for layer in MIDDLE_THINGS:  # theirs are equal, so one is kept
            hidden[layer] = hidden[MIDDLE_THINGS[0]]
        return Layers(alpha, tuple(hidden), picture, WideView(self.runtime.config).mirrored(small), relief, slope)
