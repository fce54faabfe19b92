"""The layers that the networks are made of."""

from __future__ import annotations

import math
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Conv1x1 = partial(nn.Conv2d, kernel_size=1)
Conv3x3 = partial(nn.Conv2d, kernel_size=3, padding=1)

_LayerT = TypeVar("_LayerT", bound=nn.Module)


def zero_module(layer: _LayerT) -> _LayerT:
    """The layer with all its parameters at zero, so that it contributes nothing until it has learnt something."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


# Norm


class FilmNorm(nn.Module):
    """Group norm whose scale and shift are told by a condition (FiLM, Perez et al. 2018)."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(max(1, channels // 16), channels, affine=False)
        self.film = zero_module(nn.Linear(condition, 2 * channels))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x: [b, channels, h, w]; condition: [b, condition]."""
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, dim=1)
        return self.norm(x) * (1.0 + scale) + shift


# Residual blocks


class PlainBlock(nn.Module):
    """Two convolutions without norm: cheap, and blind to what is elsewhere in the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv3x3(channels, channels)
        self.conv2 = Conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(functional.silu(self.conv1(functional.silu(x))))


class FilmBlock(nn.Module):
    """A residual block under a condition; its last convolution starts at zero."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.skip = nn.Identity() if inputs == outputs else Conv1x1(inputs, outputs)
        self.norm1 = FilmNorm(inputs, condition)
        self.conv1 = Conv3x3(inputs, outputs)
        self.norm2 = FilmNorm(outputs, condition)
        self.conv2 = zero_module(Conv3x3(outputs, outputs))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.conv1(functional.silu(self.norm1(x, condition)))
        y = self.conv2(functional.silu(self.norm2(y, condition)))
        return self.skip(x) + y


# Attention


class Attention(nn.Module):
    """Self-attention over all places of a small map, with a learned bias for each pair of places."""

    def __init__(self, channels: int, places: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(1, channels)
        self.qkv = Conv1x1(channels, 3 * channels)
        self.out = Conv1x1(channels, channels)
        self.bias = nn.Parameter(torch.zeros(1, heads, places, places))
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, channels, h, w] with h * w places -> the same."""
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3 * self.heads, c // self.heads, h * w).chunk(3, dim=1)
        scores = q.transpose(2, 3) @ k / math.sqrt(c // self.heads) + self.bias  # [b, heads, places, places]
        y = (v @ scores.softmax(dim=-1).transpose(2, 3)).reshape(b, c, h, w)
        return x + self.out(y)


# Conditioning


class FourierFeatures(nn.Module):
    """Sines and cosines of a number in 0..1, at octaves."""

    frequencies: Tensor

    def __init__(self, octaves: int = 8) -> None:
        super().__init__()
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(octaves, dtype=torch.float32) / 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """[b] -> [b, 2 * octaves]."""
        phase = x[:, None] * self.frequencies  # [b, octaves]
        return torch.cat([phase.sin(), phase.cos()], dim=1)
