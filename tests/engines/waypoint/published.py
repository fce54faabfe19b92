"""Tiny models with random weights, written as the published repositories are laid out.

The names and shapes stand here once more, apart from those of the runtime, so that a slip in either shows. Weights are
so large that every part of the network matters to the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import yaml
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - half typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

Config = dict[str, Any]


def tiny_1_5(**changes: object) -> Config:
    """Windows so short that every ring wraps within 15 latents."""
    return {
        "model_type": "waypoint-1.5",
        "channels": 6,
        "height": 2,
        "width": 4,
        "tokens_per_frame": 8,
        "patch": [2, 2],
        "d_model": 128,
        "n_layers": 8,
        "n_heads": 4,
        "n_kv_heads": 2,
        "mlp_ratio": 2,
        "value_residual": True,
        "gated_attn": False,
        "local_window": 4,
        "global_window": 12,
        "global_pinned_dilation": 4,
        "global_attn_period": 4,
        "global_attn_offset": -1,
        "ctrl_conditioning_period": 3,
        "n_buttons": 256,
        "prompt_conditioning": None,
        "prompt_conditioning_period": None,
        "prompt_embedding_dim": None,
        "scheduler_sigmas": [1.0, 0.9, 0.75, 0.3, 0.0],
        "inference_fps": 60,
        "temporal_compression": 4,
        "base_fps": 15,
        "n_frames": 512,
        "taehv_ae": True,
        "ae_uri": "Overworld-Models/taehv1_5",
        **changes,
    }


def tiny_1(**changes: object) -> Config:
    without = {"model_type", "inference_fps", "temporal_compression"}
    config = {
        **{name: value for name, value in tiny_1_5().items() if name not in without},
        "channels": 8,
        "height": 3,
        "width": 3,
        "tokens_per_frame": 9,
        "value_residual": False,
        "gated_attn": True,
        "global_attn_offset": 0,
        "prompt_conditioning": "cross_attention",
        "prompt_conditioning_period": 3,
        "prompt_embedding_dim": 96,
        "scheduler_sigmas": [1.0, 0.8609585762023926, 0.729332447052002, 0.3205108940601349, 0.0],
        "base_fps": 60,
        "taehv_ae": False,
        "ae_uri": "OpenWorldLabs/owl_vae_f16_c16_distill_v0_nogan",
    }
    return config | changes


def write_model(folder: Path, config: Config, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    save_file(
        {name: tensor.to(dtype) for name, tensor in model_tensors(config, seed).items()}, folder / "model.safetensors"
    )
    return folder


def model_tensors(config: Config, seed: int = 0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random) / (torch.Size(shape[1:]).numel() ** 0.5)

    d, layers, c, (ph, pw) = config["d_model"], config["n_layers"], config["channels"], config["patch"]
    inner, heads, kv, first = (
        config["mlp_ratio"] * d,
        config["n_heads"],
        config["n_kv_heads"],
        "model_type" not in config,
    )
    head = d // heads
    prompt = config["prompt_embedding_dim"]
    tensors: dict[str, Tensor] = {
        "patchify.weight": matrix(d, c, ph, pw),
        "unpatchify.weight": matrix(ph * pw * c, d) if first else matrix(d, c, ph, pw) * (c * ph * pw / d) ** 0.5,
        "unpatchify.bias": torch.randn(ph * pw * c if first else c, generator=random) * 0.1,
        "out_norm.fc.weight": matrix(2 * d, d),
        "denoise_step_emb.mlp.fc1.weight": matrix(4 * d, 512),
        "denoise_step_emb.mlp.fc2.weight": matrix(d, 4 * d),
        "ctrl_emb.mlp.fc1.weight": matrix(inner, 3 + config["n_buttons"]),
        "ctrl_emb.mlp.fc2.weight": matrix(d, inner),
        "ctrl_cfg.null_emb": torch.randn(1, 1, d, generator=random),
    }
    if prompt:
        tensors["prompt_cfg.null_emb"] = torch.randn(1, 1, prompt, generator=random)
    shared = [matrix(d, d) for _ in range(6)]
    for layer in range(layers):
        block: dict[str, Tensor] = {
            "attn.q_proj.weight": matrix(head * heads, d),
            "attn.k_proj.weight": matrix(head * kv, d),
            "attn.v_proj.weight": matrix(head * kv, d),
            "attn.out_proj.weight": matrix(d, d),
        }
        mlp = "mlp" if first else "dit_mlp"
        block |= {f"{mlp}.fc1.weight": matrix(inner, d), f"{mlp}.fc2.weight": matrix(d, inner)}
        bias = torch.randn(d, generator=random)
        for at, matrix_ in enumerate(shared):
            place = f"cond_head.cond_proj.{at}" if first else f"{('attn', 'mlp')[at // 3]}_cond_head.cond_proj.{at % 3}"
            block[f"{place}.weight"] = matrix_
        block |= {f"{part}cond_head.bias_in": bias for part in ([""] if first else ["attn_", "mlp_"])}
        if config["value_residual"]:
            block["attn.v_lamb"] = torch.rand((), generator=random)
        if config["gated_attn"]:
            block["attn.gate_proj.weight"] = matrix(heads, heads)
        if layer % config["ctrl_conditioning_period"] == 0:
            block |= (
                {"ctrl_mlpfusion.mlp.fc1.weight": matrix(d, 2 * d), "ctrl_mlpfusion.mlp.fc2.weight": matrix(d, d)}
                if first
                else {f"ctrl_mlpfusion.{part}.weight": matrix(d, d) for part in ("fc1_x", "fc1_c", "fc2")}
            )
        if prompt and layer % config["prompt_conditioning_period"] == 0:
            shapes = {"q": (prompt, d), "k": (prompt, prompt), "v": (prompt, prompt), "out": (d, prompt)}
            block |= {f"prompt_cross_attn.{part}_proj.weight": matrix(*shape) for part, shape in shapes.items()}
        tensors |= {f"transformer.blocks.{layer}.{name}": tensor.clone() for name, tensor in block.items()}
    return tensors


def write_taehv(
    folder: Path, config: Config, *, widths: tuple[int, int, int, int] = (8, 12, 8, 8), seed: int = 1
) -> Path:
    """`widths`: of the encoder, and of the decoder's three stages."""
    random = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}

    def layer(name: str, outputs: int, inputs: int, size: int, *, bias: bool) -> None:
        fan_in = inputs * size * size
        tensors[f"{name}.weight"] = torch.randn(outputs, inputs, size, size, generator=random) * (1.5 / fan_in) ** 0.5
        if bias:
            tensors[f"{name}.bias"] = torch.randn(outputs, generator=random) * 0.1

    def memory(name: str, width: int) -> None:
        layer(f"{name}.conv.0", width, 2 * width, 3, bias=True)
        layer(f"{name}.conv.2", width, width, 3, bias=True)
        layer(f"{name}.conv.4", width, width, 3, bias=True)

    e, d1, d2, d3 = widths
    layer("encoder.0", e, 12, 3, bias=True)
    for pool, frames in ((2, 2), (7, 2), (12, 1)):
        layer(f"encoder.{pool}.conv", e, frames * e, 1, bias=False)
        layer(f"encoder.{pool + 1}", e, e, 3, bias=False)
        for at in range(pool + 2, pool + 5):
            memory(f"encoder.{at}", e)
    layer("encoder.17", config["channels"], e, 3, bias=True)
    layer("decoder.1", d1, config["channels"], 3, bias=True)
    for start, width, following, frames in ((3, d1, d2, 1), (9, d2, d3, 2), (15, d3, d3, 2)):
        for at in range(start, start + 3):
            memory(f"decoder.{at}", width)
        layer(f"decoder.{start + 4}.conv", frames * width, width, 1, bias=False)
        layer(f"decoder.{start + 5}", following, width, 3, bias=False)
    layer("decoder.22", 12, d3, 3, bias=True)
    return _write(folder, {"diffusion_pytorch_model.safetensors": tensors})


OWL_WIDTHS = (16, 32, 32)  # two stages


def write_image_autoencoder(folder: Path, config: Config, *, seed: int = 2) -> Path:
    random = torch.Generator().manual_seed(seed)
    latent = config["channels"]
    encoder: dict[str, Tensor] = {}
    decoder: dict[str, Tensor] = {}

    def conv(into: dict[str, Tensor], name: str, outputs: int, inputs: int, size: int, *, bias: bool = True) -> None:
        into[f"{name}.parametrizations.weight.original0"] = torch.rand(outputs, 1, 1, 1, generator=random) + 0.2
        into[f"{name}.parametrizations.weight.original1"] = torch.randn(outputs, inputs, size, size, generator=random)
        if bias:
            into[f"{name}.bias"] = torch.randn(outputs, generator=random) * 0.1

    def residual(into: dict[str, Tensor], name: str, width: int) -> None:
        conv(into, f"{name}.conv1", 2 * width, width, 1)
        conv(into, f"{name}.conv2", 2 * width, 2 * width // max(1, 2 * width // 16), 3)
        conv(into, f"{name}.conv3", width, 2 * width, 1, bias=False)

    conv(encoder, "conv_in.proj", OWL_WIDTHS[0], 3, 3)
    conv(encoder, "conv_out.proj", latent, OWL_WIDTHS[-1], 3)
    conv(encoder, "conv_out_logvar.proj", 1, OWL_WIDTHS[-1], 3)
    conv(decoder, "conv_in.proj", OWL_WIDTHS[-1], latent, 3)
    conv(decoder, "conv_out.proj", 3, OWL_WIDTHS[0], 3)
    for stage, (width, following, blocks) in enumerate(zip(OWL_WIDTHS, OWL_WIDTHS[1:], (1, 2), strict=False)):
        for block in range(blocks):
            residual(encoder, f"blocks.{stage}.blocks.{block}", width)
        conv(encoder, f"blocks.{stage}.down.proj", following, width, 1, bias=False)
        conv(encoder, f"residuals.{stage}.proj", following // 4, width, 3)
    mirrored = OWL_WIDTHS[::-1]
    for stage, (width, following, blocks) in enumerate(zip(mirrored, mirrored[1:], (2, 1), strict=False)):
        for block in range(blocks):
            residual(decoder, f"blocks.{stage}.blocks.{block}", following)
        if width != following:
            conv(decoder, f"blocks.{stage}.up.proj", following, width, 1, bias=False)
        conv(decoder, f"residuals.{stage}.proj", 4 * following, width, 3)
    _write(folder, {"encoder.safetensors": encoder, "decoder.safetensors": decoder})
    told = {
        "channels": 3,
        "latent_channels": latent,
        "ch_0": OWL_WIDTHS[0],
        "ch_max": OWL_WIDTHS[-1],
        "skip_logvar": False,
    }
    for half in ("encoder", "decoder"):
        model = {**told, "encoder_blocks_per_stage": [1, 2], "decoder_blocks_per_stage": [1, 2]}
        (folder / f"{half}_conf.yml").write_text(yaml.safe_dump({"model": model}), encoding="utf-8")
    return folder


def _write(folder: Path, files: Mapping[str, dict[str, Tensor]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        save(folder / name, tensors)
    return folder


def save(path: Path, tensors: Mapping[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
