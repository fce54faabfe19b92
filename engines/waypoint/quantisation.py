"""The large matrices of the blocks in eight bits, by torchao. Activations are scaled anew in every pass."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Literal

import torch
from torch import nn

from engines.waypoint.errors import OptionError

if TYPE_CHECKING:
    from engines.waypoint.network import Network

Quantisation = Literal["none", "int8", "fp8"]

_MULTIPLE: Final = 32  # what kernels in eight bits ask of both sizes of a matrix
_ONCE: Final = ("from_control", "prompt_attention.k", "prompt_attention.v")  # not in every pass, and on few rows
_FP8_SINCE: Final = (8, 9)  # compute capability


def quantise(network: Network, kind: Quantisation, device: torch.device) -> None:
    """Replace weights in place. What is small, or decides the picture (controls, both patch layers), stays as it is.

    int8: whole numbers, a scale for each row of a matrix and for each token.
    fp8: e4m3, a scale for each matrix and for each layer's input.

    Raises:
        OptionError: torchao is not installed, or the device cannot compute with this.
    """
    if kind == "none":
        return
    if kind == "fp8" and not _computes_in_fp8(device):
        raise OptionError("fp8 needs a CUDA device of compute capability 8.9 or more; use int8 or none here.")
    try:
        torchao: Any = importlib.import_module("torchao.quantization")  # it comes without types
    except ImportError as error:
        raise OptionError("Quantisation needs torchao: install the extra quantised, or use none.") from error
    config = (
        torchao.Int8DynamicActivationInt8WeightConfig()
        if kind == "int8"
        else torchao.Float8DynamicActivationFloat8WeightConfig(granularity=torchao.PerTensor())
    )
    torchao.quantize_(network.blocks, config, filter_fn=is_quantised)


def is_quantised(module: nn.Module, name: str) -> bool:
    """Whether a module of the blocks has a matrix that is worth it."""
    if not isinstance(module, nn.Linear) or name.endswith(_ONCE):
        return False
    return not (module.in_features % _MULTIPLE or module.out_features % _MULTIPLE)


def _computes_in_fp8(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= _FP8_SINCE
