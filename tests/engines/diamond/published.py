"""A tiny model with random weights, written as the published one is laid out.

The names and shapes stand here once more, apart from those of the runtime, so that a slip in either shows. Weights are
so large that every part of the networks matters to the result.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

Config = dict[str, Any]


def tiny_agent() -> Config:
    """Sizes that are no multiples of what the networks halve, so that padding matters."""
    told = {
        "_target_": "agent.AgentConfig",
        "denoiser": {
            "_target_": "models.diffusion.DenoiserConfig",
            "sigma_data": 0.5,
            "sigma_offset_noise": 0.1,
            "noise_previous_obs": True,
            "upsampling_factor": None,
            "inner_model": {
                "_target_": "models.diffusion.InnerModelConfig",
                "img_channels": 3,
                "num_steps_conditioning": 4,
                "cond_channels": 64,
                "depths": [2, 1, 2],
                "channels": [32, 32, 64],
                "attn_depths": [0, 0, 1],
            },
        },
        "upsampler": {
            "_target_": "models.diffusion.DenoiserConfig",
            "sigma_data": 0.5,
            "sigma_offset_noise": 0.1,
            "noise_previous_obs": False,
            "upsampling_factor": 5,
            "inner_model": {
                "_target_": "models.diffusion.InnerModelConfig",
                "img_channels": 3,
                "num_steps_conditioning": 1,
                "cond_channels": 32,
                "depths": [1, 1],
                "channels": [32, 64],
                "attn_depths": [0, 1],
            },
        },
        "rew_end_model": None,
        "actor_critic": None,
    }
    return deepcopy(told)


def tiny_env() -> Config:
    return {"train": {"id": "csgo", "size": [30, 50]}, "num_actions": 51, "keymap": "csgo"}


def published_agent() -> Config:
    """The sizes of the published model."""
    agent = tiny_agent()
    agent["denoiser"]["inner_model"] |= {
        "cond_channels": 2048,
        "depths": [2, 2, 2, 2],
        "channels": [128, 256, 512, 1024],
        "attn_depths": [0, 0, 1, 1],
    }
    agent["upsampler"]["inner_model"] |= {
        "cond_channels": 2048,
        "depths": [2, 2, 2, 2],
        "channels": [64, 64, 128, 256],
        "attn_depths": [0, 0, 0, 1],
    }
    return agent


def published_env() -> Config:
    return tiny_env() | {"train": {"id": "csgo", "size": [150, 280]}}


def write_model(folder: Path, agent: Config, env: Config, *, seed: int = 0) -> Path:
    write_config(folder, agent, env)
    (folder / "model").mkdir(exist_ok=True)
    torch.save(model_tensors(agent, env, seed), folder / "model" / "csgo.pt")
    return folder


def write_config(folder: Path, agent: Config, env: Config) -> Path:
    for name, told in (("agent", agent), ("env", env)):
        path = folder / "config" / name / "csgo.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return folder


def model_tensors(agent: Config, env: Config, seed: int = 0) -> dict[str, Tensor]:
    chance = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for part in ("denoiser", "upsampler"):
        config = agent[part]
        inner = _Layers(chance)
        _network(inner, config["inner_model"], env["num_actions"], enlarges=config["upsampling_factor"] is not None)
        tensors |= {f"{part}.inner_model.{name}": tensor for name, tensor in inner.tensors.items()}
    return tensors


class _Layers:
    def __init__(self, chance: torch.Generator) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._chance = chance

    def random(self, name: str, *shape: int, scale: float = 1.0) -> None:
        self.tensors[name] = torch.randn(shape, generator=self._chance) * scale

    def layer(self, name: str, outputs: int, *inputs: int) -> None:
        self.random(f"{name}.weight", outputs, *inputs, scale=1 / math.sqrt(math.prod(inputs)))
        self.random(f"{name}.bias", outputs, scale=0.1)

    def norm(self, name: str, channels: int) -> None:
        self.tensors[f"{name}.norm.weight"] = 1 + 0.1 * torch.randn(channels, generator=self._chance)
        self.random(f"{name}.norm.bias", channels, scale=0.1)

    def residual(self, name: str, inputs: int, outputs: int, condition: int, *, attends: bool) -> None:
        if inputs != outputs:
            self.layer(f"{name}.proj", outputs, inputs, 1, 1)
        self.layer(f"{name}.norm1.linear", 2 * inputs, condition)
        self.layer(f"{name}.conv1", outputs, inputs, 3, 3)
        self.layer(f"{name}.norm2.linear", 2 * outputs, condition)
        self.layer(f"{name}.conv2", outputs, outputs, 3, 3)
        if attends:
            self.norm(f"{name}.attn.norm", outputs)
            self.layer(f"{name}.attn.qkv_proj", 3 * outputs, outputs, 1, 1)
            self.layer(f"{name}.attn.out_proj", outputs, outputs, 1, 1)


def _network(into: _Layers, inner: Config, actions: int, *, enlarges: bool) -> None:
    condition, past, widths = inner["cond_channels"], inner["num_steps_conditioning"], inner["channels"]
    into.random("noise_emb.weight", 1, condition // 2)
    into.random("noise_cond_emb.weight", 1, condition // 2)
    if not enlarges:
        into.random("act_emb.0.weight", actions, condition // past)
    into.layer("cond_proj.0", condition, condition)
    into.layer("cond_proj.2", condition, condition)
    into.layer("conv_in", widths[0], 3 * (past + (2 if enlarges else 1)), 3, 3)
    into.norm("norm_out", widths[0])
    into.layer("conv_out", 3, widths[0], 3, 3)
    last = len(widths) - 1
    for at, (here, depth, attends) in enumerate(zip(widths, inner["depths"], inner["attn_depths"], strict=True)):
        above = widths[max(0, at - 1)]
        down, up = f"unet.d_blocks.{at}", f"unet.u_blocks.{last - at}"
        for block in range(depth):
            into.residual(f"{down}.resblocks.{block}", here if block else above, here, condition, attends=bool(attends))
            into.residual(f"{up}.resblocks.{block}", 2 * here, here, condition, attends=bool(attends))
        into.residual(f"{up}.resblocks.{depth}", here + above, above, condition, attends=bool(attends))
        if at:
            into.layer(f"unet.downsamples.{at}.conv", above, above, 3, 3)
            into.layer(f"unet.upsamples.{last - at + 1}.conv", above, above, 3, 3)
    for block in range(2):
        into.residual(f"unet.mid_blocks.resblocks.{block}", widths[-1], widths[-1], condition, attends=True)
