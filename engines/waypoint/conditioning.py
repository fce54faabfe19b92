"""What the network is told of the noise level, computed once for all levels: they are few and fixed by the config."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from engines.waypoint.config import WaypointConfig

# Published weights were trained and are served with constants that had been rounded to bfloat16 once. `exact` has them
# as the formulas say. The phase of the noise level moves by more than a radian between the two, so it decides parity.
Constants = Literal["bf16", "exact"]
# Which `bias_in` conditions the attention of Waypoint 1.5, where a file has one for the attention and one for the MLP:
# the MLP's, as the original engine has it, or its own.
AttentionBias = Literal["mlp", "own"]

FEATURES: Final = 512  # sines and cosines of a noise level


@dataclass(frozen=True, slots=True)
class LayerBias:
    attention: Tensor  # [D]
    mlp: Tensor  # [D]


@dataclass(frozen=True, slots=True)
class Conditioning:
    """The stored weights, on the CPU. They are not needed once the tables exist."""

    step_in: Tensor  # [4D, FEATURES]
    step_out: Tensor  # [D, 4D]
    out_norm: Tensor  # [2D, D]
    projections: Tensor  # [6, D, D]: scale, shift, gate of the attention, then of the MLP
    biases: tuple[LayerBias, ...]  # by layer


@dataclass(frozen=True, slots=True)
class ConditioningTables:
    """L: noise levels, the last of which is 0, that of a latent which is part of the history."""

    steps: Tensor  # [L - 1]: from each level to the next
    modulation: Tensor  # [L, layers, 6, D]
    output: Tensor  # [L, 2, D]: scale and shift before the last projection


def rounded(values: Tensor, constants: Constants) -> Tensor:
    """Float values as they are, or rounded to bfloat16 and back."""
    return values if constants == "exact" else values.to(torch.bfloat16).to(values.dtype)


def build_tables(
    config: WaypointConfig,
    weights: Conditioning,
    *,
    constants: Constants,
    attention_bias: AttentionBias,
    dtype: torch.dtype,
    device: torch.device,
) -> ConditioningTables:
    sigmas = rounded(torch.tensor(config.scheduler_sigmas, dtype=torch.float32), constants)
    embedded = _embed(sigmas, weights, constants, device).to(dtype)  # [L, D]
    projections = weights.projections.to(device, dtype)
    layers = [_modulate(embedded, bias, projections, attention_bias) for bias in weights.biases]
    output = functional.linear(functional.silu(embedded), weights.out_norm.to(device, dtype))  # [L, 2D]
    return ConditioningTables(
        steps=rounded(sigmas[1:] - sigmas[:-1], constants).to(device),
        modulation=torch.stack(layers, dim=1),
        output=output.reshape(-1, 2, config.d_model),
    )


def _embed(sigmas: Tensor, weights: Conditioning, constants: Constants, device: torch.device) -> Tensor:
    """[L] -> [L, D], in float32."""
    frequencies = rounded(torch.logspace(0, -1, FEATURES // 2, base=1e4, dtype=torch.float32), constants)
    phase = 1000.0 * sigmas[:, None] * frequencies  # [L, FEATURES / 2]
    features = (math.sqrt(2.0) * torch.cat([phase.sin(), phase.cos()], dim=1)).to(device)
    hidden = functional.silu(functional.linear(features, weights.step_in.to(device, torch.float32)))
    return functional.linear(hidden, weights.step_out.to(device, torch.float32))


def _modulate(embedded: Tensor, bias: LayerBias, projections: Tensor, attention_bias: AttentionBias) -> Tensor:
    """[L, D] -> [L, 6, D] of one layer."""
    first = bias.mlp if attention_bias == "mlp" else bias.attention
    halves = [
        functional.silu(embedded + one.to(embedded.device, embedded.dtype)) @ half.transpose(1, 2)  # [3, L, D]
        for one, half in ((first, projections[:3]), (bias.mlp, projections[3:]))
    ]
    return torch.cat(halves).transpose(0, 1)
