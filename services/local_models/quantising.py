"""Weights in eight bits instead of sixteen, for a worker's process.

torchao converts them while they are read from the disk: each row of a linear layer's matrix becomes whole numbers with
a scale of their own. Computation stays in bfloat16.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_config.authoring_config import Quantisation


def for_transformers(quant: Quantisation) -> Any:
    """What `from_pretrained` of transformers takes as `quantization_config`.

    Raises:
        ImportError: torchao, of the extra quantised, is not installed.
    """
    match quant:
        case "none":
            return None
        case "int8":
            eight_bits = _eight_bits()  # first: transformers has another exception for its absence
            from transformers import TorchAoConfig

            return TorchAoConfig(eight_bits)


def for_diffusers(quant: Quantisation, *, own: Iterable[str], of_transformers: Iterable[str]) -> Any:
    """The same for a pipeline of diffusers, with the names of the parts to quantise."""
    match quant:
        case "none":
            return None
        case "int8":
            eight_bits = _eight_bits()
            from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig
            from diffusers.quantizers.quantization_config import TorchAoConfig

            parts: dict[str, Any] = {part: TorchAoConfig(eight_bits) for part in own}
            parts |= {part: for_transformers(quant) for part in of_transformers}
            return cast("Any", PipelineQuantizationConfig)(quant_mapping=parts)


def _eight_bits() -> Any:
    return importlib.import_module("torchao.quantization").Int8WeightOnlyConfig()  # it comes without types
