"""The scene network from exported weights: training goes on from what ships, whose run may be lost."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import torch

from world_model.scene_net import SceneNet
from world_model.weights import WeightsError, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX: Final = "scene_net."  # of the names of its parameters in the graph
_NORM: Final = "scene_net.depth_net.attention.norm"
# The exporter folds a group norm of one group into a product and a sum, and forgets their names.
_NAMELESS: Final[Mapping[str, str]] = MappingProxyType({"onnx::Mul_": f"{_NORM}.weight", "onnx::Add_": f"{_NORM}.bias"})


def shipped_scene_net(folder: Path) -> SceneNet:
    """The network whose graph `see` lies in `folder`.

    Raises:
        WeightsError: the folder cannot be read, or holds another network than this.
    """
    manifest, graphs = read_weights(folder, ("see",))
    network = SceneNet(manifest.config)
    tensors = _parameters(graphs["see"])
    try:
        state = {name: tensors[_PREFIX + name].reshape(old.shape) for name, old in network.state_dict().items()}
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"The scene network in {folder} is not of this version.") from error
    network.load_state_dict(state)
    return network


def _parameters(data: bytes) -> dict[str, torch.Tensor]:
    """The constants of the graph by the names of the network's parameters."""
    tensors: dict[str, torch.Tensor] = {}
    for tensor in onnx.load_model_from_string(data).graph.initializer:
        name = next((known for start, known in _NAMELESS.items() if tensor.name.startswith(start)), tensor.name)
        tensors[name] = torch.as_tensor(np.array(onnx.numpy_helper.to_array(tensor)))  # a copy: the other is read-only
    return tensors
