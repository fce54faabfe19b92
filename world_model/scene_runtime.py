"""The scene graph on ONNX Runtime: one thread a call, so that the same call gives the same bits."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from world_model.layer_renderer import Layers, layer_sized
from world_model.layers import HIDDEN
from world_model.runtime import open_graph
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

SCENE_GRAPH: Final = "see.onnx"


class SceneRuntime:
    """Weights, shared by all worlds; any number of threads may call."""

    def __init__(self, graph: bytes) -> None:
        """Raises:
        WeightsError: ONNX Runtime cannot load the graph.
        """
        self.weights_hash = hashlib.sha256(graph).hexdigest()
        self._session = open_graph("see", graph)

    def see(self, picture: Bytes, slope: float) -> Layers:
        """The layers of a picture, uint8 [FINE * h, FINE * w, 3], that was seen with this tangent of looking up."""
        rgba, relief = self.run(layer_sized(picture), slope)
        alpha, hidden = np.ascontiguousarray(rgba[..., 3]), np.ascontiguousarray(rgba[:HIDDEN, ..., :3])
        return Layers(alpha, hidden, picture, relief, slope)

    def run(self, picture: Bytes, slope: float) -> tuple[Bytes, Floats]:
        """What the graph says of a picture, uint8 [h, w, 3]: `rgba` and `relief`."""
        rgba, relief = self._session.run(None, {"picture": picture, "slope": np.array([slope], dtype=np.float32)})
        return rgba, relief


def load_scene_runtime(folder: Path) -> SceneRuntime:
    """Raises:
    WeightsError: the weights are missing, or cannot be loaded.
    """
    path = folder / SCENE_GRAPH
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}).") from error
    return SceneRuntime(graph)
