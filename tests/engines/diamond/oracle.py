"""The published model once more, as plainly as it can be written: one world, double precision, no module, no batch.

It reads the file by its published names, sees every picture as a plain tensor [channels, height, width], and writes
each layer as its formula. It shares nothing with the runtime that it is there to judge.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import yaml
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Draw = Callable[[tuple[int, ...]], Tensor]


def silu(z: Tensor) -> Tensor:
    return z / (1 + (-z).exp())


class Oracle:
    def __init__(self, folder: Path) -> None:
        told = [yaml.safe_load((folder / "config" / name / "csgo.yaml").read_text()) for name in ("agent", "env")]
        self.agent: dict[str, Any] = told[0]
        self.env: dict[str, Any] = told[1]
        saved = torch.load(folder / "model" / "csgo.pt", weights_only=True)
        self.w: dict[str, Tensor] = {name: tensor.double() for name, tensor in saved.items()}

    # One frame

    def frame(
        self, small: list[Tensor], large: list[Tensor], actions: Tensor, draw: Draw, *, low: Any, high: Any
    ) -> tuple[Tensor, Tensor]:
        """The next picture in both sizes, -1 to 1. `low` and `high` have the sampler's numbers."""
        made = self.sample("denoiser", torch.cat(small), actions, draw, low)
        big = self.enlarged(made, self.agent["upsampler"]["upsampling_factor"])
        return made, self.sample("upsampler", torch.cat([*large, big]), None, draw, high)

    def sample(self, part: str, context: Tensor, actions: Tensor | None, draw: Draw, numbers: Any) -> Tensor:
        steps, rho = numbers["steps"], 7
        levels = [
            (
                numbers["max"] ** (1 / rho)
                + i / max(steps - 1, 1) * (numbers["min"] ** (1 / rho) - numbers["max"] ** (1 / rho))
            )
            ** rho
            for i in range(steps)
        ]
        shape = (3, *context.shape[1:])
        x = draw(shape).double()
        for level, following in zip(levels, [*levels[1:], 0.0], strict=True):
            gamma = min(numbers["churn"] / steps, math.sqrt(2) - 1)
            hat = level + gamma * level
            if gamma:
                x = x + 0.9 * math.sqrt(hat * hat - level * level) * draw(shape).double()
            if numbers["context"]:
                context = context + numbers["context"] * draw(tuple(context.shape)).double()
            clean = self.rounded(self.denoised(part, x, level, context, numbers["context"], actions))
            x = x + (following - hat) * (x - clean) / hat
        return x

    def rounded(self, x: Tensor) -> Tensor:
        bytes_ = torch.clamp(torch.clamp(x, -1, 1) * 127.5 + 127.5, 0, 255).to(torch.uint8)
        return bytes_.double() / 127.5 - 1

    def denoised(
        self, part: str, noisy: Tensor, level: float, context: Tensor, context_level: float, actions: Tensor | None
    ) -> Tensor:
        """Karras et al. 2022, table 1, the last column, with the offset noise in the level."""
        data, offset = self.agent[part]["sigma_data"], self.agent[part]["sigma_offset_noise"]
        sigma = math.sqrt(level**2 + offset**2)
        c_skip = data**2 / (sigma**2 + data**2)
        c_out = sigma * data / math.sqrt(sigma**2 + data**2)
        c_in = 1 / math.sqrt(sigma**2 + data**2)
        told = math.log(context_level) / 4 if context_level else 0.0
        return c_skip * noisy + c_out * self.network(
            part, c_in * noisy, math.log(sigma) / 4, told, context / data, actions
        )

    # The network

    def network(
        self, part: str, noisy: Tensor, noise: float, context_noise: float, context: Tensor, actions: Tensor | None
    ) -> Tensor:
        self.at, inner = f"{part}.inner_model.", self.agent[part]["inner_model"]
        self.told = self.fourier("noise_emb", noise) + self.fourier("noise_cond_emb", context_noise)
        if actions is not None:
            table = self.w[self.at + "act_emb.0.weight"]
            self.told = self.told + torch.cat([table[row.bool()].sum(0) for row in actions])
        self.told = self.linear("cond_proj.2", silu(self.linear("cond_proj.0", self.told)))
        x = self.unet(self.conv("conv_in", torch.cat([context, noisy])), inner)
        return self.conv("conv_out", silu(self.affine("norm_out.norm", self.normal(x))))

    def unet(self, x: Tensor, inner: dict[str, Any]) -> Tensor:
        last = len(inner["channels"]) - 1
        height, width = x.shape[1:]
        rows, columns = (math.ceil(n / 2**last) * 2**last for n in (height, width))
        padded = torch.zeros(len(x), rows, columns, dtype=x.dtype)
        padded[:, :height, :width] = x
        x, kept = padded, list[Tensor]()
        for level, depth in enumerate(inner["depths"]):
            if level:
                x = self.conv(f"unet.downsamples.{level}.conv", x, stride=2)
            kept.append(x)
            for block in range(depth):
                x = self.residual(f"unet.d_blocks.{level}.resblocks.{block}", x)
                kept.append(x)
        for block in range(2):
            x = self.residual(f"unet.mid_blocks.resblocks.{block}", x)
        for up, depth in enumerate(reversed(inner["depths"])):
            if up:
                x = x.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
                x = self.conv(f"unet.upsamples.{up}.conv", x)
            for block in range(depth + 1):
                x = self.residual(f"unet.u_blocks.{up}.resblocks.{block}", torch.cat([x, kept.pop()]))
        return x[:, :height, :width]

    def residual(self, name: str, x: Tensor) -> Tensor:
        through = self.conv(f"{name}.proj", x) if f"{self.at}{name}.proj.weight" in self.w else x
        for half in "12":
            scale, shift = self.linear(f"{name}.norm{half}.linear", self.told).reshape(2, -1, 1, 1)
            x = self.conv(f"{name}.conv{half}", silu(self.normal(x) * (1 + scale) + shift))
        x = x + through
        return self.attention(f"{name}.attn", x) if f"{self.at}{name}.attn.qkv_proj.weight" in self.w else x

    def attention(self, name: str, x: Tensor) -> Tensor:
        channels, height, width = x.shape
        mixed = self.conv(f"{name}.qkv_proj", self.affine(f"{name}.norm.norm", self.normal(x))).reshape(3, channels, -1)
        seen = torch.zeros(channels, height * width, dtype=x.dtype)
        for head in range(0, channels, 8):
            q, k, v = (one[head : head + 8] for one in mixed)  # [8, places]
            weight = ((q.T @ k) / math.sqrt(8)).exp()
            seen[head : head + 8] = v @ (weight / weight.sum(1, keepdim=True)).T
        return x + self.conv(f"{name}.out_proj", seen.reshape(channels, height, width))

    # Layers

    def fourier(self, name: str, level: float) -> Tensor:
        turns = 2 * math.pi * level * self.w[f"{self.at}{name}.weight"][0]
        return torch.cat([turns.cos(), turns.sin()])

    def linear(self, name: str, x: Tensor) -> Tensor:
        return self.w[f"{self.at}{name}.weight"] @ x + self.w[f"{self.at}{name}.bias"]

    def normal(self, x: Tensor) -> Tensor:
        groups = x.reshape(len(x) // 32, -1)
        spread = (groups.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return ((groups - groups.mean(1, keepdim=True)) / spread).reshape(x.shape)

    def affine(self, name: str, x: Tensor) -> Tensor:
        weight, bias = (self.w[f"{self.at}{name}.{part}"].reshape(-1, 1, 1) for part in ("weight", "bias"))
        return x * weight + bias

    def conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        """A sum over the places of the kernel, each a matrix product."""
        weight, bias = self.w[f"{self.at}{name}.weight"], self.w[f"{self.at}{name}.bias"]
        reach, (height, width) = weight.shape[2] // 2, x.shape[1:]
        edged = torch.zeros(len(x), height + 2 * reach, width + 2 * reach, dtype=x.dtype)
        edged[:, reach : reach + height, reach : reach + width] = x
        total: Tensor | float = 0.0
        for dy in range(weight.shape[2]):
            for dx in range(weight.shape[3]):
                seen = edged[:, dy : dy + height : stride, dx : dx + width : stride]
                total = total + torch.einsum("oi,ihw->ohw", weight[:, :, dy, dx], seen)
        return total + bias.reshape(-1, 1, 1)

    # Size

    def enlarged(self, x: Tensor, factor: int) -> Tensor:
        """Bicubic (Keys 1981, a = -3/4) by a whole factor, pixels as areas, edges repeated."""
        return _along_rows(_along_rows(x, factor).transpose(1, 2), factor).transpose(1, 2)


def _along_rows(x: Tensor, factor: int) -> Tensor:
    """Enlarge the height of [C, h, w]."""
    rows: list[Tensor] = []
    for row in range(x.shape[1] * factor):
        place = (row + 0.5) / factor - 0.5
        near = math.floor(place)
        seen = [(at, x[:, min(max(at, 0), x.shape[1] - 1)]) for at in range(near - 1, near + 3)]
        rows.append(torch.stack([_cubic(place - at) * values for at, values in seen]).sum(0))
    return torch.stack(rows, dim=1)


def _cubic(distance: float, a: float = -0.75) -> float:
    t = abs(distance)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0
