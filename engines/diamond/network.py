"""The network of both diffusion models: a U-Net that is told of noise levels and actions at every block.

- A residual block normalises groups of channels, then scales and shifts them by what it is told (Dhariwal and Nichol
  2021, "Diffusion Models Beat GANs on Image Synthesis").
- Skip connections carry the output of every block, not only of every level, to the way up.
- Names of modules are those of the published tensors.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import torch
from torch import nn
from torch.nn import functional

from engines.diamond.config import GROUP_WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.diamond.config import DenoiserConfig, NetworkConfig

_EPS: Final = 1e-5
_HEAD_WIDTH: Final = 8


def _conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1)


class GroupNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(channels // GROUP_WIDTH, channels, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class AdaptiveGroupNorm(nn.Module):
    """Group normalisation whose scale and shift come from the condition."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.groups = channels // GROUP_WIDTH
        self.linear = nn.Linear(condition, 2 * channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.linear(condition)[:, :, None, None].chunk(2, dim=1)  # [B, C, 1, 1] each
        return functional.group_norm(x, self.groups, eps=_EPS) * (1 + scale) + shift


class Attention(nn.Module):
    """Every place of a picture attends to every other one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // _HEAD_WIDTH
        self.norm = GroupNorm(channels)
        self.qkv_proj = nn.Conv2d(channels, 3 * channels, kernel_size=1)
        self.out_proj = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        shape = (batch, 3, self.heads, _HEAD_WIDTH, height * width)
        mixed = self.qkv_proj(self.norm(x)).reshape(shape).transpose(3, 4)
        query, key, value = mixed.contiguous().unbind(1)  # [B, heads, hw, 8]; fast kernels want them contiguous
        seen = functional.scaled_dot_product_attention(query, key, value)
        return x + self.out_proj(seen.transpose(2, 3).reshape(batch, channels, height, width))


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, condition: int, *, attends: bool) -> None:
        super().__init__()
        self.proj = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, kernel_size=1)
        self.norm1 = AdaptiveGroupNorm(inputs, condition)
        self.conv1 = _conv(inputs, outputs)
        self.norm2 = AdaptiveGroupNorm(outputs, condition)
        self.conv2 = _conv(outputs, outputs)
        self.attn = Attention(outputs) if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = self.conv1(functional.silu(self.norm1(x, condition)))
        inner = self.conv2(functional.silu(self.norm2(inner, condition)))
        return self.attn(inner + self.proj(x))


class Level(nn.Module):
    """The residual blocks of one size of picture, on the way down or up."""

    def __init__(self, widths: Sequence[tuple[int, int]], condition: int, *, attends: bool) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(
            ResidualBlock(inputs, outputs, condition, attends=attends) for inputs, outputs in widths
        )

    def forward(self, x: Tensor, condition: Tensor, skips: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The output of every block. On the way up each block sees one of `skips` as well."""
        outputs = [x]
        for at, block in enumerate(self.resblocks):
            seen = outputs[-1] if skips is None else torch.cat((outputs[-1], skips[at]), dim=1)
            outputs.append(block(seen, condition))
        return outputs[1:]


class Shrink(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Grow(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class UNet(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        condition, widths = config.cond_channels, config.channels
        down: list[Level] = []
        up: list[Level] = []
        for above, here, depth, attends in zip(
            (widths[0], *widths), widths, config.depths, config.attn_depths, strict=False
        ):
            down.append(Level([*pairwise([above, *[here] * depth])], condition, attends=attends))
            rising = [*[(2 * here, here)] * depth, (above + here, above)]
            up.append(Level(rising, condition, attends=attends))
        self.d_blocks = nn.ModuleList(down)
        self.mid_blocks = Level([(widths[-1], widths[-1])] * 2, condition, attends=True)
        self.u_blocks = nn.ModuleList(up[::-1])
        self.downsamples = nn.ModuleList([nn.Identity(), *map(Shrink, widths[:-1])])
        self.upsamples = nn.ModuleList([nn.Identity(), *map(Grow, widths[-2::-1])])
        self.multiple = 2 ** (len(widths) - 1)  # sizes that can be halved at every level

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[B, C, h, w] of any height and width, which is padded at the bottom and on the right."""
        height, width = x.shape[-2:]
        x = functional.pad(x, (0, -width % self.multiple, 0, -height % self.multiple))
        passed: list[list[Tensor]] = []
        for shrink, level in zip(self.downsamples, self.d_blocks, strict=True):
            x = shrink(x)
            passed.append([x, *level(x, condition)])
            x = passed[-1][-1]
        x = self.mid_blocks(x, condition)[-1]
        for grow, level in zip(self.upsamples, self.u_blocks, strict=True):
            x = level(grow(x), condition, passed.pop()[::-1])[-1]
        return x[..., :height, :width]


class NoiseFeatures(nn.Module):
    """Random Fourier features of a noise level (Tancik et al. 2020)."""

    weight: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(1, width // 2))

    def forward(self, level: float) -> Tensor:
        """[1, width]. In single precision whatever the network's: the phases have many turns."""
        phase = 2 * math.pi * level * self.weight
        return torch.cat((phase.cos(), phase.sin()), dim=-1)


class ActionFeatures(nn.Embedding):
    """A learned vector for each action; those that are done at one time are added up."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """[B, n, actions], zeros and ones -> [B, n * width]."""
        return (input.to(self.weight.dtype) @ self.weight).flatten(1)


class Network(nn.Module):
    def __init__(self, config: DenoiserConfig, actions: int) -> None:
        super().__init__()
        inner, pictures = config.inner_model, config.shown_pictures
        condition = inner.cond_channels
        self.noise_emb = NoiseFeatures(condition)
        self.noise_cond_emb = NoiseFeatures(condition)
        self.act_emb = (
            nn.ModuleList([ActionFeatures(actions, condition // inner.num_steps_conditioning)])
            if config.upsampling_factor is None
            else None
        )
        self.cond_proj = nn.Sequential(nn.Linear(condition, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.conv_in = _conv(pictures * inner.img_channels, inner.channels[0])
        self.unet = UNet(inner)
        self.norm_out = GroupNorm(inner.channels[0])
        self.conv_out = _conv(inner.channels[0], inner.img_channels)

    def forward(self, pictures: Tensor, noise: float, context_noise: float, actions: Tensor | None) -> Tensor:
        """[B, C, h, w]. pictures: [B, pictures * C, h, w]; actions: [B, n, actions], None for the upsampler.

        `noise` and `context_noise` are logarithms of levels.
        """
        told = self.noise_emb(noise) + self.noise_cond_emb(context_noise)  # [1, cond]
        if self.act_emb is not None and actions is not None:
            told = told + self.act_emb[0](actions).to(told.dtype)
        condition = self.cond_proj(told.to(pictures.dtype)).expand(len(pictures), -1)
        x = self.unet(self.conv_in(pictures), condition)
        return self.conv_out(functional.silu(self.norm_out(x)))
