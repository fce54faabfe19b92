"""The layers that the networks are made of."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

Conv1x1 = partial(nn.Conv2d, kernel_size=1)
Conv3x3 = partial(nn.Conv2d, kernel_size=3, padding=1)


class PlainBlock(nn.Module):
    """Two convolutions without norm: cheap, and blind to what is elsewhere in the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv3x3(channels, channels)
        self.conv2 = Conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(functional.silu(self.conv1(functional.silu(x))))


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
