"""Networks from exported weights: a training can go on from what ships when its own checkpoint is gone."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import torch

from training.networks import make_networks
from world_model.weights import WeightsError, read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.networks import Networks

# The exporter folds a group norm of one group into a product and a sum, and forgets their names.
_NAMELESS: Final = MappingProxyType(
    {
        "denoise": ("dynamics.attention.norm.weight", "dynamics.attention.norm.bias"),
        "start": ("sight.attention.norm.weight", "sight.attention.norm.bias"),
    }
)


def shipped_networks(folder: Path, device: torch.device) -> Networks:
    """The networks whose graphs lie in `folder`.

    Raises:
        WeightsError: the folder cannot be read, or holds other networks than these.
    """
    manifest, graphs = read_weights(folder)
    tensors: dict[str, NDArray[Any]] = {}
    for graph, data in graphs.items():
        tensors |= _parameters(graph, data)
    networks = make_networks(manifest.config, device)
    for name, module in networks.named().items():
        try:
            state = {key: torch.as_tensor(tensors[f"{name}.{key}"]) for key in module.state_dict()}
            module.load_state_dict({key: state[key].reshape(old.shape) for key, old in module.state_dict().items()})
        except (KeyError, RuntimeError) as error:
            raise WeightsError(f"The weights in {folder} are not of this version: '{name}' differs.") from error
    return networks


def _parameters(graph: str, data: bytes) -> dict[str, NDArray[Any]]:
    """The constants of a graph by the names of the networks' parameters."""
    tensors: dict[str, NDArray[Any]] = {}
    nameless: dict[str, str] = dict(zip(("onnx::Mul_", "onnx::Add_"), _NAMELESS.get(graph, ()), strict=False))
    for tensor in onnx.load_model_from_string(data).graph.initializer:
        name = next((known for start, known in nameless.items() if tensor.name.startswith(start)), tensor.name)
        tensors[name] = np.array(onnx.numpy_helper.to_array(tensor))  # a copy: the other is read-only
    return tensors
