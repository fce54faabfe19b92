"""The dynamics: a UNet over latents that says what the next view is.

- x-prediction: it predicts the clean latents, as a correction of the reference's, so that an output of zero means "as
  seen".
- Its context is the reference (what was seen, from the new place) and the mask of where that is known; relative pose
  and noise level come by FiLM in every block.
- Attention at the coarsest map only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.blocks import Attention, Conv3x3, FilmBlock, FourierFeatures
from world_model.config import RELATIVE_POSE_DIM, ModelConfig

if TYPE_CHECKING:
    from world_model.sampler import CleanLatents

_MASK_CHANNELS = 4  # 2x2 cells of each latent's patch
_OCTAVES = 8  # in which the network is told the noise level


class Dynamics(nn.Module):
    """From noisy latents and what is seen of the next view to its clean latents."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels, (fine, middle, coarse), width = config.latent_channels, config.unet_widths, config.condition_width
        self.level = FourierFeatures(_OCTAVES)
        self.condition = nn.Sequential(
            nn.Linear(2 * _OCTAVES + RELATIVE_POSE_DIM, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.inward = Conv3x3(2 * channels + _MASK_CHANNELS, fine)
        self.down1 = FilmBlock(fine, fine, width)
        self.shrink1 = nn.Conv2d(fine, middle, kernel_size=2, stride=2)
        self.down2 = FilmBlock(middle, middle, width)
        self.shrink2 = nn.Conv2d(middle, coarse, kernel_size=2, stride=2)
        self.deep1 = FilmBlock(coarse, coarse, width)
        self.attention = Attention(coarse, places=(config.height // 32) * (config.width // 32))
        self.deep2 = FilmBlock(coarse, coarse, width)
        self.grow2 = nn.Conv2d(coarse, 4 * middle, kernel_size=1)
        self.up2 = FilmBlock(2 * middle, middle, width)
        self.grow1 = nn.Conv2d(middle, 4 * fine, kernel_size=1)
        self.up1 = FilmBlock(2 * fine, fine, width)
        self.outward = Conv3x3(fine, channels)
        nn.init.zeros_(self.outward.weight)

    def forward(self, noisy: Tensor, level: Tensor, reference: Tensor, mask: Tensor, relative_pose: Tensor) -> Tensor:
        """The clean latents.

        noisy, reference: [b, c, h/8, w/8]; level: [b], 1 is pure noise, 0 clean; mask: [b, 1, h, w], 0..1;
        relative_pose: [b, RELATIVE_POSE_DIM].
        """
        condition = self.condition(torch.cat([self.level(level), relative_pose], dim=1))
        cells = functional.pixel_unshuffle(functional.avg_pool2d(mask, 4), 2)  # [b, 4, h/8, w/8]
        x = self.inward(torch.cat([noisy, reference, cells], dim=1))
        fine = self.down1(x, condition)
        middle = self.down2(self.shrink1(fine), condition)
        x = self.attention(self.deep1(self.shrink2(middle), condition))
        x = self.deep2(x, condition)
        x = self.up2(torch.cat([functional.pixel_shuffle(self.grow2(x), 2), middle], dim=1), condition)
        x = self.up1(torch.cat([functional.pixel_shuffle(self.grow1(x), 2), fine], dim=1), condition)
        return reference + self.outward(functional.silu(x))

    def given(self, reference: Tensor, mask: Tensor, relative_pose: Tensor) -> CleanLatents[Tensor]:
        """What `sample` asks: the clean latents under this context, with one level for the whole batch."""

        def clean(noisy: Tensor, level: float, /) -> Tensor:
            return self(noisy, noisy.new_full((len(noisy),), level), reference, mask, relative_pose)

        return clean
