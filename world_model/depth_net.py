"""The depth network: monocular disparity, predicted once for the picture that a world starts in.

A pyramid down to a thirty-second of the size, attention there, and back up with skip connections. How far things are is
told by the whole picture (where the ground meets the sky), and where they end by its pixels.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.blocks import Attention, Conv1x1, Conv3x3, PlainBlock

if TYPE_CHECKING:
    from world_model.config import ModelConfig


class DepthNet(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.depth_widths  # at 1/4, 1/8, 1/16 and 1/32
        self.inward = nn.Conv2d(3 + 1, widths[0], kernel_size=8, stride=4, padding=2)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.seen = nn.ModuleList(PlainBlock(width) for width in widths)
        self.attention = Attention(widths[-1], places=(config.height // 32) * (config.width // 32))
        self.deep = PlainBlock(widths[-1])
        self.up = nn.ModuleList(Conv1x1(b, 4 * a) for a, b in itertools.pairwise(widths))
        self.told = nn.ModuleList(PlainBlock(width) for width in widths[:-1])
        self.outward = Conv3x3(widths[0], 16)

    def forward(self, colours: Tensor) -> Tensor:
        """colours: [b, 3, h, w], 0..1 -> disparity [b, 1, h, w], 0..1."""
        logits, _, _ = self.features(colours)
        return torch.sigmoid(functional.pixel_shuffle(logits, 4) - 2.0)

    def features(self, colours: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of colours [b, 3, h, w]: logits of disparity [b, 16, h/4, w/4], one for each pixel of a cell, and features at
        1/4 and 1/8 of the size."""
        b, _, h, w = colours.shape
        height = (torch.arange(h, dtype=colours.dtype, device=colours.device) + 0.5) * (2.0 / h) - 1.0
        x = self.inward(torch.cat([2.0 * colours - 1.0, height[None, None, :, None].expand(b, 1, h, w)], dim=1))
        passed: list[Tensor] = []
        for level, block in enumerate(self.seen):
            x = block(x)
            if level < len(self.down):
                passed.append(x)
                x = self.down[level](functional.silu(x))
        x = self.deep(self.attention(x))
        eighth = x
        for level in reversed(range(len(self.up))):
            eighth = x
            x = self.told[level](functional.pixel_shuffle(self.up[level](functional.silu(x)), 2) + passed[level])
        return self.outward(functional.silu(x)), x, eighth
