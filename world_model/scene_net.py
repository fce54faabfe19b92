"""The scene network: from one picture to the soft layers that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.blocks import Conv1x1, Conv3x3
from world_model.depth_net import DepthNet
from world_model.layers import CELL, LAYERS

if TYPE_CHECKING:
    from world_model.config import ModelConfig

_HEAD_WIDTH: Final = 64
_RARE: Final = -2.0  # logit of an alpha at first: most layers are empty in most places
_QUIET: Final = 0.3  # share of the usual first weights in the heads' last convolutions


class Raw(NamedTuple):
    """What the network says; `world_model.scene.compose` makes layers of it."""

    alpha_logits: Tensor  # [b, LAYERS - 1, h, w]: the sky's alpha is 1
    relief: Tensor  # [b, LAYERS - 1, h/8, w/8]: the sky's relief is 0


class SceneNet(nn.Module):
    """A pyramid that sees the whole picture, as the depth network is one, and two heads: edges near the pixels, relief
    at an eighth of the size."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        quarter, eighth = config.depth_widths[:2]
        pixels = 3 * 4 * 4  # colours of a cell of 4 x 4 pixels
        self.depth_net = DepthNet(config)
        self.edges_in = Conv3x3(quarter + 16 + pixels + 1, _HEAD_WIDTH)
        self.edges_block = Conv3x3(_HEAD_WIDTH, _HEAD_WIDTH)
        self.alpha_out = _first(Conv3x3(_HEAD_WIDTH, 16 * (LAYERS - 1)), _RARE)
        self.relief_in = Conv3x3(eighth + 16 + 1, _HEAD_WIDTH)
        self.relief_block = Conv3x3(_HEAD_WIDTH, _HEAD_WIDTH)
        self.relief_out = _first(Conv1x1(_HEAD_WIDTH, LAYERS - 1), 0.0)

    def forward(self, colours: Tensor, slope: Tensor) -> Raw:
        """colours: [b, 3, h, w], 0..1; slope: [b], tangent of looking up."""
        logits, quarter, eighth = self.depth_net.features(colours)
        rows = row_slopes(slope, colours.shape[2] // 4, self.config.focal / 4.0).to(colours.dtype)
        rows = rows[:, None, :, None].expand(-1, 1, -1, quarter.shape[3])
        pixels = functional.pixel_unshuffle(2.0 * colours - 1.0, 4)
        x = functional.silu(
            self.edges_in(torch.cat([functional.silu(quarter), 0.5 * logits, pixels, 4.0 * rows], dim=1))
        )
        x = x + functional.silu(self.edges_block(x))
        small, small_rows = functional.avg_pool2d(logits, CELL // 4), functional.avg_pool2d(rows, CELL // 4)
        y = torch.cat([functional.silu(eighth), 0.5 * small, 4.0 * small_rows], dim=1)
        y = functional.silu(self.relief_in(y))
        y = y + functional.silu(self.relief_block(y))
        return Raw(alpha_logits=functional.pixel_shuffle(self.alpha_out(x), 4), relief=self.relief_out(y))


def row_slopes(slope: Tensor, rows: int, focal: float) -> Tensor:
    """The slope of the look through the middle of each row, [b, rows]; positive is up. `focal` is in rows."""
    down = (torch.arange(rows, dtype=slope.dtype, device=slope.device) + 0.5 - 0.5 * rows) / focal
    return slope[:, None] - down


def _first(layer: nn.Conv2d, bias: float) -> nn.Conv2d:
    """The layer with small first weights and a bias that is the same for all channels."""
    with torch.no_grad():
        layer.weight.mul_(_QUIET)
        nn.init.constant_(layer.get_parameter("bias"), bias)
    return layer
