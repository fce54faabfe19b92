"""The depth network from exported weights: with it the training of the scene network begins."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import torch

from world_model.depth_net import DepthNet
from world_model.weights import WeightsError, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX: Final = "sight."  # of the names of its parameters in the graph
# The exporter folds a group norm of one group into a product and a sum, and forgets their names.
_NAMELESS: Final[Mapping[str, str]] = MappingProxyType(
    {"onnx::Mul_": "sight.attention.norm.weight", "onnx::Add_": "sight.attention.norm.bias"}
)


def shipped_depth_net(folder: Path) -> DepthNet:
    """The network whose graph `start` lies in `folder`.

    Raises:
        WeightsError: the folder cannot be read, or holds another network than this.
    """
    manifest, graphs = read_weights(folder, ("start",))
    network = DepthNet(manifest.config)
    tensors = _parameters(graphs["start"])
    try:
        state = {name: tensors[_PREFIX + name].reshape(old.shape) for name, old in network.state_dict().items()}
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"The depth network in {folder} is not of this version.") from error
    network.load_state_dict(state)
    return network


def _parameters(data: bytes) -> dict[str, torch.Tensor]:
    """The constants of the graph by the names of the network's parameters."""
    tensors: dict[str, torch.Tensor] = {}
    for tensor in onnx.load_model_from_string(data).graph.initializer:
        name = next((known for start, known in _NAMELESS.items() if tensor.name.startswith(start)), tensor.name)
        tensors[name] = torch.as_tensor(np.array(onnx.numpy_helper.to_array(tensor)))  # a copy: the other is read-only
    return tensors
