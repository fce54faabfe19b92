"""The scene network as it plays: a picture to layers as they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from world_model.layer_renderer import Layers, layer_sized
from world_model.layers import HIDDEN

if TYPE_CHECKING:
    from world_model.layer_renderer import Bytes
    from world_model.runtime import Runtime


@dataclass(frozen=True, slots=True)
class SceneSource:
    """A `LayerSource`. Any number of threads may call."""

    runtime: Runtime  # with the graph `see`

    def see(self, picture: Bytes, slope: float) -> Layers:
        """The layers of a picture, uint8 [FINE * h, FINE * w, 3], that was seen with this tangent of looking up."""
        rgba, relief = self.runtime.see(layer_sized(picture), slope)
        alpha, hidden = np.ascontiguousarray(rgba[..., 3]), np.ascontiguousarray(rgba[:HIDDEN, ..., :3])
        return Layers(alpha, hidden, picture, relief, slope)
