"""The published model once more, as slowly and plainly as it can be written: one world, no ring, no batch, no table.

It reads the files by their published names and keeps every latent's keys and values in a dict by its number. What is
visible is asked of each pair of latents anew. It shares nothing with the runtime that it is there to judge.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
import yaml
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - half typed
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

KV: TypeAlias = "tuple[Tensor, Tensor]"


def rms(z: Tensor) -> Tensor:
    return z / ((z * z).mean(-1, keepdim=True) + 1.1920929e-7).sqrt()


def silu(z: Tensor) -> Tensor:
    return z / (1 + (-z).exp())


class Oracle:
    def __init__(self, model_folder: Path, vae_folder: Path, *, rounds: bool) -> None:
        """`rounds`: constants in bfloat16."""
        self.config: dict[str, Any] = yaml.safe_load((model_folder / "config.yaml").read_text(encoding="utf-8"))
        self.w = {name: tensor.float() for name, tensor in load_file(model_folder / "model.safetensors").items()}
        self.first = "model_type" not in self.config
        self.rounds = rounds
        self.vae = OwlOracle(vae_folder, self.config) if self.first else TaehvOracle(vae_folder, self.config)
        self.prompt: Tensor | None = None
        self.reset()

    def reset(self) -> None:
        self.f = 0
        self.kept: list[dict[int, KV]] = [{} for _ in range(self.config["n_layers"])]
        self.vae.reset()

    # What a player does

    def append(self, pictures: NDArray[np.uint8], control: Tensor | None = None) -> tuple[Tensor, NDArray[np.uint8]]:
        x = self.vae.encode(pictures)
        self.commit(x, self.idle() if control is None else control)
        return x, self.vae.decode(x)

    def generate(self, control: Tensor, noise: Tensor) -> tuple[Tensor, NDArray[np.uint8]]:
        x, sigmas = noise, self.constant(torch.tensor(self.config["scheduler_sigmas"]))
        for a, b in itertools.pairwise(sigmas):
            x = x + (b - a) * self.velocity(x, a, control)[0]
        self.commit(x, control)
        return x, self.vae.decode(x)

    def commit(self, x: Tensor, control: Tensor) -> None:
        _, fresh = self.velocity(x, torch.tensor(0.0), control)
        for layer, kv in enumerate(fresh):
            if not self.is_global(layer) or self.f % self.config["global_pinned_dilation"] == 0:
                self.kept[layer][self.f] = kv
        self.f += 1

    def idle(self) -> Tensor:
        return torch.zeros(3 + self.config["n_buttons"])

    # The network

    def velocity(self, x: Tensor, sigma: Tensor, control: Tensor) -> tuple[Tensor, list[KV]]:
        c, w = self.config, self.w
        phase = 1000 * sigma * self.constant(torch.logspace(0, -1, 256, base=1e4))
        embedding = math.sqrt(2) * torch.cat([phase.sin(), phase.cos()])
        cond = w["denoise_step_emb.mlp.fc2.weight"] @ silu(w["denoise_step_emb.mlp.fc1.weight"] @ embedding)
        u = w["ctrl_emb.mlp.fc2.weight"] @ silu(w["ctrl_emb.mlp.fc1.weight"] @ control)
        tokens = functional.conv2d(x[None], w["patchify.weight"], stride=tuple(c["patch"]))[0].flatten(1).T  # [T, D]
        angles, v1 = self.angles(), None
        fresh: list[KV] = []
        for i in range(c["n_layers"]):
            at = f"transformer.blocks.{i}."
            s0, b0, g0, s1, b1, g1 = self.modulation(at, cond)
            n = rms(tokens) * (1 + s0) + b0
            q, k, v = (self.heads(n @ w[f"{at}attn.{part}_proj.weight"].T) for part in "qkv")  # [heads, T, d]
            v1 = v if v1 is None else v1
            if c["value_residual"]:
                v = v + w[f"{at}attn.v_lamb"] * (v1 - v)
            q, k = self.rope(rms(q), angles), self.rope(rms(k), angles)
            fresh.append((k, v))
            seen = [self.kept[i][p] for p in sorted(self.kept[i]) if self.sees(i, p)] + [(k, v)]
            keys, values = (torch.cat(parts, dim=1) for parts in zip(*seen, strict=True))
            group = c["n_heads"] // c["n_kv_heads"]
            outputs: list[Tensor] = []
            for j in range(c["n_heads"]):
                weights = torch.softmax(q[j] @ keys[j // group].T / math.sqrt(q.shape[2]), dim=-1)
                y = weights @ values[j // group]
                if c["gated_attn"]:
                    gate = n[:, : c["n_heads"]] @ w[f"{at}attn.gate_proj.weight"][j]
                    y = y / (1 + (-gate).exp())[:, None]
                outputs.append(y)
            tokens = tokens + g0 * (torch.cat(outputs, dim=1) @ w[f"{at}attn.out_proj.weight"].T)
            if c["prompt_conditioning"] and i % c["prompt_conditioning_period"] == 0:
                tokens = tokens + self.cross(f"{at}prompt_cross_attn.", tokens)
            if i % c["ctrl_conditioning_period"] == 0:
                tokens = tokens + self.fused(f"{at}ctrl_mlpfusion.", tokens, u)
            mlp = "mlp" if self.first else "dit_mlp"
            hidden = silu((rms(tokens) * (1 + s1) + b1) @ w[f"{at}{mlp}.fc1.weight"].T)
            tokens = tokens + g1 * (hidden @ w[f"{at}{mlp}.fc2.weight"].T)
        a, b = (w["out_norm.fc.weight"] @ silu(cond)).chunk(2)
        out = silu(rms(tokens) * (1 + a) + b).T.reshape(c["d_model"], c["height"], c["width"])
        return self.unpatchify(out), fresh

    def modulation(self, at: str, cond: Tensor) -> list[Tensor]:
        """As the original engine has it, one bias for all six."""
        head, mlp = ("cond_head", "cond_head") if self.first else ("attn_cond_head", "mlp_cond_head")
        h = silu(cond + self.w[f"{at}{mlp}.bias_in"])
        names = [f"{head}.cond_proj.{m}" for m in range(6)]
        if not self.first:
            names = [f"{part}.cond_proj.{m}" for part in (head, mlp) for m in range(3)]
        return [self.w[f"{at}{name}.weight"] @ h for name in names]

    def cross(self, at: str, tokens: Tensor) -> Tensor:
        assert self.prompt is not None
        e, w = rms(self.prompt), self.w
        q = rms(self.heads(rms(tokens) @ w[f"{at}q_proj.weight"].T))
        k, v = rms(self.heads(e @ w[f"{at}k_proj.weight"].T)), self.heads(e @ w[f"{at}v_proj.weight"].T)
        y = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[2]), dim=-1) @ v
        return y.transpose(0, 1).flatten(1) @ w[f"{at}out_proj.weight"].T

    def fused(self, at: str, tokens: Tensor, u: Tensor) -> Tensor:
        w = self.w
        if self.first:
            both = torch.cat([rms(tokens), rms(u).expand(len(tokens), -1)], dim=1)
            return silu(both @ w[f"{at}mlp.fc1.weight"].T) @ w[f"{at}mlp.fc2.weight"].T
        hidden = rms(tokens) @ w[f"{at}fc1_x.weight"].T + rms(u) @ w[f"{at}fc1_c.weight"].T
        return silu(hidden) @ w[f"{at}fc2.weight"].T

    def unpatchify(self, out: Tensor) -> Tensor:
        c, (ph, pw) = self.config["channels"], self.config["patch"]
        if not self.first:
            weight, bias = self.w["unpatchify.weight"], self.w["unpatchify.bias"]
            return functional.conv_transpose2d(out[None], weight, bias, stride=(ph, pw))[0]
        _, rows, columns = out.shape
        picture = torch.zeros(c, rows * ph, columns * pw)
        values = (
            torch.einsum("od,dhw->ohw", self.w["unpatchify.weight"], out) + self.w["unpatchify.bias"][:, None, None]
        )
        for o in range(len(values)):
            picture[o // (ph * pw), o // pw % ph :: ph, o % pw :: pw] = values[o]
        return picture

    # History and positions

    def is_global(self, layer: int) -> bool:
        return (layer - self.config["global_attn_offset"]) % self.config["global_attn_period"] == 0

    def sees(self, layer: int, p: int) -> bool:
        c, f = self.config, self.f
        if not self.is_global(layer):
            return f - c["local_window"] + 1 <= p < f
        d = c["global_pinned_dilation"]
        b = c["global_window"] // d
        return p > f - d * b if f % d == 0 else p > d * (f // d) - d * b

    def heads(self, z: Tensor) -> Tensor:
        d = self.config["d_model"] // self.config["n_heads"]
        return z.reshape(len(z), -1, d).transpose(0, 1)

    def angles(self) -> Tensor:
        """[T, d / 2]"""
        c = self.config
        d, height, width = c["d_model"] // c["n_heads"], c["height"], c["width"]
        w_xy = math.pi * torch.linspace(1, 0.8 * min(height, width) / 2, d // 16)
        w_t = 1e4 ** (-torch.arange(0, d // 4, 2) / (d // 4))
        if not self.first:
            w_xy, w_t = self.constant(w_xy), self.constant(w_t)
        t = self.f * c["base_fps"] / (c.get("inference_fps", c["base_fps"]) / c.get("temporal_compression", 1))
        return torch.tensor(
            [
                [float(w) * ((2 * col + 1) / width - 1) for w in w_xy for _ in range(2)]
                + [float(w) * ((2 * row + 1) / height - 1) for w in w_xy for _ in range(2)]
                + [float(w) * t for w in w_t for _ in range(2)]
                for row in range(height)
                for col in range(width)
            ]
        )

    def rope(self, z: Tensor, angles: Tensor) -> Tensor:
        cos, sin = angles.cos(), angles.sin()
        if self.first:
            cos, sin = self.constant(cos), self.constant(sin)
        e, o = z[..., 0::2], z[..., 1::2]
        return torch.cat([e * cos - o * sin, o * cos + e * sin], dim=-1)

    def constant(self, value: Tensor) -> Tensor:
        return value.bfloat16().float() if self.rounds else value


class TaehvOracle:
    """One frame after the other, layer by layer."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.w = {name: t.float() for name, t in load_file(next(folder.glob("*.safetensors"))).items()}
        self.grid = (config["height"] * config["patch"][0] * 16, config["width"] * config["patch"][1] * 16)
        self.reset()

    def reset(self) -> None:
        self.past: dict[str, Tensor] = {}
        self.decoded = False

    def conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = self.w[f"{name}.weight"]
        return functional.conv2d(x[None], weight, self.w.get(f"{name}.bias"), stride, weight.shape[2] // 2)[0]

    def memory(self, name: str, x: Tensor) -> Tensor:
        past = self.past.get(name, torch.zeros_like(x))
        self.past[name] = x
        y = torch.relu(self.conv(f"{name}.conv.0", torch.cat([x, past])))
        return torch.relu(self.conv(f"{name}.conv.4", torch.relu(self.conv(f"{name}.conv.2", y))) + x)

    def encode(self, pictures: NDArray[np.uint8]) -> Tensor:
        frames: list[Tensor] = []
        for picture in pictures:
            x = torch.as_tensor(picture).permute(2, 0, 1).float()[None] / 255
            x = functional.interpolate(x, self.grid, mode="bilinear", align_corners=False)
            frames.append(torch.relu(self.conv("encoder.0", functional.pixel_unshuffle(x, 2)[0])))
        for pool in (2, 7, 12):
            if pool != 12:
                frames = [torch.cat(frames[at : at + 2]) for at in range(0, len(frames), 2)]
            frames = [self.conv(f"encoder.{pool + 1}", self.conv(f"encoder.{pool}.conv", x), 2) for x in frames]
            for block in range(pool + 2, pool + 5):
                frames = [self.memory(f"encoder.{block}", x) for x in frames]
        assert len(frames) == 1
        return self.conv("encoder.17", frames[0])

    def decode(self, z: Tensor) -> NDArray[np.uint8]:
        for _ in range(0 if self.decoded else 3):
            self.advance(z)
        self.decoded = True
        height, width = self.grid[0] * 45 // 32, self.grid[1] * 5 // 4
        pictures = [functional.pixel_shuffle(x, 2).clamp(0, 1)[None] for x in self.advance(z)]
        resized = [functional.interpolate(x, (height, width), mode="bilinear", align_corners=False) for x in pictures]
        return np.stack([(x[0] * 255).round().byte().permute(1, 2, 0).numpy() for x in resized])

    def advance(self, z: Tensor) -> list[Tensor]:
        frames = [torch.relu(self.conv("decoder.1", 3 * torch.tanh(z / 3)))]
        for start, grows in ((3, 1), (9, 2), (15, 2)):
            for block in range(start, start + 3):
                frames = [self.memory(f"decoder.{block}", x) for x in frames]
            frames = [x.repeat_interleave(2, 1).repeat_interleave(2, 2) for x in frames]
            frames = [y for x in frames for y in self.conv(f"decoder.{start + 4}.conv", x).chunk(grows)]
            frames = [self.conv(f"decoder.{start + 5}", x) for x in frames]
        return [self.conv("decoder.22", torch.relu(x)) for x in frames]


class OwlOracle:
    """The image autoencoder with two stages, of one and two blocks."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.w = {
            half: {name: t.float() for name, t in load_file(folder / f"{half}.safetensors").items()}
            for half in ("encoder", "decoder")
        }
        self.grid = config["height"] * config["patch"][0] * 4

    def reset(self) -> None:
        """It remembers nothing."""

    def conv(self, half: str, name: str, x: Tensor, groups: int = 1) -> Tensor:
        w = self.w[half]
        g, v = (w[f"{name}.parametrizations.weight.original{at}"] for at in (0, 1))
        weight = g * v / (v * v).sum(dim=(1, 2, 3), keepdim=True).sqrt()
        return functional.conv2d(x, weight, w.get(f"{name}.bias"), padding=weight.shape[2] // 2, groups=groups)

    def res(self, half: str, name: str, x: Tensor) -> Tensor:
        y = functional.leaky_relu(self.conv(half, f"{name}.conv1", x))
        y = functional.leaky_relu(self.conv(half, f"{name}.conv2", y, max(1, 2 * x.shape[1] // 16)))
        return x + self.conv(half, f"{name}.conv3", y)

    def resize(self, x: Tensor, height: int, width: int) -> Tensor:
        return functional.interpolate(x, (height, width), mode="bicubic", align_corners=False)

    def encode(self, pictures: NDArray[np.uint8]) -> Tensor:
        x = torch.as_tensor(pictures[:1]).permute(0, 3, 1, 2).float() / 255 * 2 - 1
        x = self.conv("encoder", "conv_in.proj", self.resize(x, self.grid, self.grid))
        for stage, blocks in enumerate((1, 2)):
            y = x
            for block in range(blocks):
                y = self.res("encoder", f"blocks.{stage}.blocks.{block}", y)
            y = self.conv("encoder", f"blocks.{stage}.down.proj", self.resize(y, y.shape[2] // 2, y.shape[3] // 2))
            x = y + functional.pixel_unshuffle(self.conv("encoder", f"residuals.{stage}.proj", x), 2)
        z = self.conv("encoder", "conv_out.proj", x)
        latent = z.shape[1]
        groups = x.shape[1] // latent
        return (z + math.sqrt(groups) * sum(x[:, g * latent : (g + 1) * latent] for g in range(groups)) / groups)[0]

    def decode(self, z: Tensor) -> NDArray[np.uint8]:
        w = self.w["decoder"]
        x = self.conv("decoder", "conv_in.proj", z[None])
        repeats = x.shape[1] // len(z)
        x = x + torch.stack([z[at // repeats] for at in range(x.shape[1])])[None] / math.sqrt(repeats)
        for stage, blocks in enumerate((2, 1)):
            up = f"blocks.{stage}.up.proj"
            y = self.conv("decoder", up, x) if f"{up}.parametrizations.weight.original0" in w else x
            y = self.resize(y, 2 * y.shape[2], 2 * y.shape[3])
            for block in range(blocks):
                y = self.res("decoder", f"blocks.{stage}.blocks.{block}", y)
            x = y + functional.pixel_shuffle(self.conv("decoder", f"residuals.{stage}.proj", x), 2)
        x = self.resize(self.conv("decoder", "conv_out.proj", silu(x)), self.grid * 45 // 64, self.grid * 5 // 4)
        return ((x[0, :3] / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()[None]
