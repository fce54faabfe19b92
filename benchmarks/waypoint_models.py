"""Waypoint models of full size with random weights, in the published layout; and a toy of the same shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import yaml
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - half typed

from engines.waypoint.config import parse_config
from engines.waypoint.taehv import Taehv
from engines.waypoint.weights import published_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_BIAS = 0.1  # spread of what is added


def waypoint_1_5(height: int, width: int) -> dict[str, Any]:
    """`config.yaml` of Waypoint-1.5-1B, by the rows and columns of its tokens."""
    return {
        "model_type": "waypoint-1.5",
        "channels": 32,
        "height": height,
        "width": width,
        "tokens_per_frame": height * width,
        "patch": [2, 2],
        "d_model": 2048,
        "n_layers": 24,
        "n_heads": 32,
        "n_kv_heads": 16,
        "mlp_ratio": 4,
        "value_residual": True,
        "local_window": 16,
        "global_window": 128,
        "global_pinned_dilation": 8,
        "global_attn_period": 4,
        "global_attn_offset": -1,
        "ctrl_conditioning_period": 3,
        "n_buttons": 256,
        "scheduler_sigmas": [1.0, 0.9, 0.75, 0.3, 0.0],
        "base_fps": 15,
        "inference_fps": 60,
        "temporal_compression": 4,
        "taehv_ae": True,
    }


def toy() -> dict[str, Any]:
    """Something that a processor plays at once."""
    small = {"channels": 4, "d_model": 64, "n_layers": 4, "n_heads": 2, "n_kv_heads": 1, "mlp_ratio": 2}
    return waypoint_1_5(2, 4) | small | {"local_window": 4, "global_window": 8, "global_pinned_dilation": 2}


def write_models(folder: Path, configs: Mapping[str, dict[str, Any]], device: str) -> None:
    """A folder for each config, by its name, with `vae` in it. The configs differ in height and width alone, so that
    the weights are written once.
    """
    names = list(configs)
    first = folder / names[0]
    (first / "vae").mkdir(parents=True)
    save_file(_random_model(configs[names[0]], device), first / "model.safetensors")
    save_file(_random_taehv(configs[names[0]]), first / "vae" / "taehv.safetensors")
    for name, config in configs.items():
        (folder / name / "vae").mkdir(parents=True, exist_ok=True)
        (folder / name / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        for file in ("model.safetensors", "vae/taehv.safetensors"):
            if name != names[0]:
                (folder / name / file).hardlink_to(first / file)


def _random_model(told: dict[str, Any], device: str) -> dict[str, Tensor]:
    """Every part of the network matters to what comes out."""
    random = torch.Generator(device).manual_seed(0)
    weights: dict[str, Tensor] = {}
    shared: dict[str, Tensor] = {}
    for name, shape in published_shapes(parse_config(told)).items():
        spread = _BIAS if len(shape) < 2 else 1.0 / math.sqrt(math.prod(shape[1:]))
        tensor = spread * torch.randn(shape, generator=random, device=device)
        if "cond_proj" in name:  # the same in every block
            tensor = shared.setdefault(name.split(".", 3)[3], tensor)
        weights[name] = tensor.to("cpu", torch.bfloat16, copy=True)
    return weights


def _random_taehv(told: dict[str, Any]) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(1)
    widths = {"encoder.0": 64, "decoder.1": 256, "decoder.8": 128, "decoder.14": 64, "decoder.20": 64}
    if told["d_model"] < 2048:
        widths = dict.fromkeys(widths, 8)
    with torch.device("meta"):
        shapes = {f"{name}.weight": (width,) for name, width in widths.items()}
        model = Taehv(shapes, parse_config(told).latent_shape)
    return {
        name: (torch.randn(like.shape, generator=random) * math.sqrt(1.5 / max(1, like[0].numel()))).half()
        for name, like in model.state_dict().items()
    }
