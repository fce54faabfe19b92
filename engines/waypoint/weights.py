"""`model.safetensors` in the published layout, turned into the weights of our network.

D, C, R, H, K, d: d_model, channels, mlp_ratio, n_heads, n_kv_heads, width of a head. P: a patch's pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from engines.waypoint.conditioning import FEATURES, Conditioning, LayerBias
from engines.waypoint.errors import ModelFolderError
from engines.waypoint.files import Shape, TensorFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from engines.waypoint.config import WaypointConfig

_FILE: Final = "model.safetensors"
_IGNORED: Final = (".cond_heads.", "prompt_cfg.null_emb")  # of use in training alone
_PROJECTIONS: Final = 6  # scale, shift and gate of the attention, and the same of the MLP


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """`network` by the names of `engines.waypoint.network.Network`; `notes` are sentences about what is odd."""

    network: Mapping[str, Tensor]
    conditioning: Conditioning
    notes: tuple[str, ...]


def read_weights(folder: Path, config: WaypointConfig, dtype: torch.dtype, device: torch.device) -> ModelWeights:
    """Raises:
    ModelFolderError: the file is missing or damaged, or has other tensors than the config asks for.
    """
    file = TensorFile(folder, _FILE)
    file.shapes = {name: shape for name, shape in file.shapes.items() if not any(part in name for part in _IGNORED)}
    file.check(published_shapes(config))
    conditioning = _read_conditioning(file, config)
    read = _Reader(file, dtype, device)
    network = _trunk(read, config)
    for layer in range(config.n_layers):
        ours = _block_of_1(read, config, layer) if config.is_waypoint_1 else _block_of_1_5(read, config, layer)
        network |= {f"blocks.{layer}.{name}": tensor for name, tensor in ours.items()}
    return ModelWeights(network, conditioning, tuple(_notes(conditioning)))


# What is in the file


def published_shapes(config: WaypointConfig) -> dict[str, Shape]:
    """Every tensor of the file, by its published name."""
    d, inner, controls = config.d_model, config.mlp_ratio * config.d_model, 3 + config.n_buttons
    patch = (d, config.channels, *config.patch)  # [D, C, ph, pw]
    pixels = config.channels * math.prod(config.patch)
    shapes: dict[str, Shape] = {
        "patchify.weight": patch,
        "unpatchify.weight": (pixels, d) if config.is_waypoint_1 else patch,
        "unpatchify.bias": (pixels if config.is_waypoint_1 else config.channels,),
        "out_norm.fc.weight": (2 * d, d),
        "denoise_step_emb.mlp.fc1.weight": (4 * d, FEATURES),
        "denoise_step_emb.mlp.fc2.weight": (d, 4 * d),
        "ctrl_emb.mlp.fc1.weight": (inner, controls),
        "ctrl_emb.mlp.fc2.weight": (d, inner),
        "ctrl_cfg.null_emb": (1, 1, d),  # stands for no control in training; at play that is a control of zeros
    }
    for layer in range(config.n_layers):
        shapes |= {f"{_block(layer)}{name}": shape for name, shape in _block_shapes(config, layer).items()}
    return shapes


def _block_shapes(config: WaypointConfig, layer: int) -> dict[str, Shape]:
    d, inner, heads, kv_heads = config.d_model, config.mlp_ratio * config.d_model, config.n_heads, config.n_kv_heads
    square, mlp = (d, d), "mlp" if config.is_waypoint_1 else "dit_mlp"
    shapes: dict[str, Shape] = {
        "attn.q_proj.weight": (heads * config.head_dim, d),
        "attn.k_proj.weight": (kv_heads * config.head_dim, d),
        "attn.v_proj.weight": (kv_heads * config.head_dim, d),
        "attn.out_proj.weight": square,
        f"{mlp}.fc1.weight": (inner, d),
        f"{mlp}.fc2.weight": (d, inner),
    }
    shapes |= {f"{head}.bias_in": (d,) for head in _heads(config)}
    shapes |= dict.fromkeys(_projection_names(config), square)
    if config.value_residual:
        shapes["attn.v_lamb"] = ()
    if config.gated_attn:
        shapes["attn.gate_proj.weight"] = (heads, heads)
    if config.hears_controls(layer):
        fusion: dict[str, Shape] = (
            {"mlp.fc1.weight": (d, 2 * d), "mlp.fc2.weight": square}
            if config.is_waypoint_1
            else dict.fromkeys(("fc1_x.weight", "fc1_c.weight", "fc2.weight"), square)
        )
        shapes |= {f"ctrl_mlpfusion.{name}": shape for name, shape in fusion.items()}
    if prompt := config.prompt_width(layer):
        shapes["prompt_cross_attn.q_proj.weight"] = (prompt, d)
        shapes["prompt_cross_attn.k_proj.weight"] = (prompt, prompt)
        shapes["prompt_cross_attn.v_proj.weight"] = (prompt, prompt)
        shapes["prompt_cross_attn.out_proj.weight"] = (d, prompt)
    return shapes


def _block(layer: int) -> str:
    return f"transformer.blocks.{layer}."


def _heads(config: WaypointConfig) -> tuple[str, ...]:
    """What holds the conditioning of a block: of its attention, of its MLP, or of both."""
    return ("cond_head",) if config.is_waypoint_1 else ("attn_cond_head", "mlp_cond_head")


def _projection_names(config: WaypointConfig) -> list[str]:
    """The six projections of a block, in the order of their use."""
    heads = _heads(config)
    return [f"{head}.cond_proj.{i}.weight" for head in heads for i in range(_PROJECTIONS // len(heads))]


# From the file to the network


@dataclass(frozen=True, slots=True)
class _Reader:
    file: TensorFile
    dtype: torch.dtype
    device: torch.device

    def tensor(self, name: str) -> Tensor:
        return self.file.read(name).to(self.device, self.dtype)

    def weight(self, *layers: str) -> Tensor:
        """The matrices of these layers, one below the other."""
        parts = [self.tensor(f"{layer}.weight") for layer in layers]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _trunk(read: _Reader, config: WaypointConfig) -> dict[str, Tensor]:
    """What comes before and after the blocks. Both patch matrices have pixels in the order channel, row, column."""
    weight, bias = read.weight("unpatchify"), read.tensor("unpatchify.bias")
    if not config.is_waypoint_1:  # a transposed convolution: [D, C, ph, pw] -> [C * P, D], one bias a channel
        weight = weight.flatten(1).t().contiguous()
        bias = bias.repeat_interleave(math.prod(config.patch))
    return {
        "patchify.weight": read.weight("patchify").flatten(1),  # [D, C * P]
        "unpatchify.weight": weight,
        "unpatchify.bias": bias,
        "control_in.weight": read.weight("ctrl_emb.mlp.fc1"),
        "control_out.weight": read.weight("ctrl_emb.mlp.fc2"),
    }


def _shared_block(read: _Reader, layer: int, mlp: str) -> dict[str, Tensor]:
    at = _block(layer)
    return {
        "qkv.weight": read.weight(f"{at}attn.q_proj", f"{at}attn.k_proj", f"{at}attn.v_proj"),  # [(H + 2K)d, D]
        "out.weight": read.weight(f"{at}attn.out_proj"),
        "mlp_in.weight": read.weight(f"{at}{mlp}.fc1"),
        "mlp_out.weight": read.weight(f"{at}{mlp}.fc2"),
    }


def _block_of_1_5(read: _Reader, config: WaypointConfig, layer: int) -> dict[str, Tensor]:
    at = _block(layer)
    ours = _shared_block(read, layer, "dit_mlp") | _extras(read, config, layer)
    if config.hears_controls(layer):
        ours["control_fusion.from_tokens.weight"] = read.weight(f"{at}ctrl_mlpfusion.fc1_x")
        ours["control_fusion.from_control.weight"] = read.weight(f"{at}ctrl_mlpfusion.fc1_c")
        ours["control_fusion.out.weight"] = read.weight(f"{at}ctrl_mlpfusion.fc2")
    return ours


def _block_of_1(read: _Reader, config: WaypointConfig, layer: int) -> dict[str, Tensor]:
    at = _block(layer)
    ours = _shared_block(read, layer, "mlp") | _extras(read, config, layer)
    if config.hears_controls(layer):
        both = read.weight(f"{at}ctrl_mlpfusion.mlp.fc1")  # [D, 2D]: the tokens' half, then the control's
        ours["control_fusion.from_tokens.weight"] = both[:, : config.d_model].contiguous()
        ours["control_fusion.from_control.weight"] = both[:, config.d_model :].contiguous()
        ours["control_fusion.out.weight"] = read.weight(f"{at}ctrl_mlpfusion.mlp.fc2")
    return ours


def _extras(read: _Reader, config: WaypointConfig, layer: int) -> dict[str, Tensor]:
    at, ours = _block(layer), dict[str, "Tensor"]()
    if config.value_residual:
        ours["value_mix"] = read.tensor(f"{at}attn.v_lamb")
    if config.gated_attn:
        ours["gate.weight"] = read.weight(f"{at}attn.gate_proj")
    if config.prompt_width(layer):
        for name in ("q", "k", "v", "out"):
            ours[f"prompt_attention.{name}.weight"] = read.weight(f"{at}prompt_cross_attn.{name}_proj")
    return ours


# Conditioning


def _read_conditioning(file: TensorFile, config: WaypointConfig) -> Conditioning:
    """Raises:
    ModelFolderError: blocks have different projections; the model has one set, which the file repeats for each.
    """
    names = _projection_names(config)
    projections = [file.read(_block(0) + name) for name in names]
    for layer in range(1, config.n_layers):
        for name, first in zip(names, projections, strict=True):
            if not torch.equal(file.read(_block(layer) + name), first):
                raise ModelFolderError(
                    f"{_FILE} has {_block(layer)}{name} unlike that of block 0, where Waypoint shares one among all."
                )
    heads = _heads(config)
    return Conditioning(
        step_in=file.read("denoise_step_emb.mlp.fc1.weight"),
        step_out=file.read("denoise_step_emb.mlp.fc2.weight"),
        out_norm=file.read("out_norm.fc.weight"),
        projections=torch.stack(projections),
        biases=tuple(
            LayerBias(*(file.read(f"{_block(layer)}{head}.bias_in") for head in (heads[0], heads[-1])))
            for layer in range(config.n_layers)
        ),
    )


def _notes(conditioning: Conditioning) -> list[str]:
    odd = [layer for layer, bias in enumerate(conditioning.biases) if not torch.equal(bias.attention, bias.mlp)]
    if not odd:
        return []
    return [f"The conditioning of attention and MLP have different bias_in in {len(odd)} of the layers."]
