"""The autoencoder: views to latents at an eighth of their size, and back.

- No norms and no attention: a latent depends on what is near it, so a picture that moves moves its latents.
- The decoder may look at a *reference*, the last view as seen from the new place, and copies from it what it shows: the
  latents then only need to carry what is new (conditional coding, as in DCVC, Li et al. 2021).
- Nothing is convolved at full size: on a processor that is where the time goes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.blocks import Conv1x1, Conv3x3, PlainBlock
from world_model.config import DISPARITY, ModelConfig

VIEW_CHANNELS = 4
UNKNOWN_DISPARITY = -1.0  # in place of a disparity that nobody measured, as in a seed picture


class Encoder(nn.Module):
    """Views to latents, of unit variance once `normalise` has been called."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        fine, coarse = config.encoder_widths
        self.inward = nn.Conv2d(VIEW_CHANNELS, fine, kernel_size=8, stride=4, padding=2)
        self.block = PlainBlock(fine)
        self.down = nn.Conv2d(fine, coarse, kernel_size=4, stride=2, padding=1)
        self.deep = PlainBlock(coarse)
        self.outward = Conv1x1(coarse, config.latent_channels)

    def forward(self, view: Tensor) -> Tensor:
        """view: [b, 4, h, w], 0..1, disparity `UNKNOWN_DISPARITY` where unknown -> latents [b, c, h/8, w/8]."""
        x = self.block(self.inward(2.0 * view - 1.0))
        return self.outward(self.deep(self.down(functional.silu(x))))


class Decoder(nn.Module):
    """Latents and a reference to views."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        fine, coarse = config.decoder_widths
        self.inward = Conv3x3(config.latent_channels, coarse)
        self.deep = nn.Sequential(PlainBlock(coarse), PlainBlock(coarse))
        self.up = Conv3x3(coarse, 4 * fine)
        self.reference = nn.Conv2d(VIEW_CHANNELS + 1, fine, kernel_size=4, stride=4)
        self.block = PlainBlock(fine)
        # Per pixel a view, and how far to trust the reference.
        self.outward = Conv3x3(fine, 16 * (VIEW_CHANNELS + 1))

    def forward(self, latents: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
        """latents: [b, c, h/8, w/8]; reference: [b, 4, h, w], 0..1; mask: [b, 1, h, w], 1 where the reference shows
        what was seen -> view [b, 4, h, w], about 0..1 (not clamped)."""
        x = self.up(functional.silu(self.deep(self.inward(latents))))
        x = functional.pixel_shuffle(x, 2) + self.reference(torch.cat([(2.0 * reference - 1.0) * mask, mask], dim=1))
        x = functional.pixel_shuffle(self.outward(functional.silu(self.block(functional.silu(x)))), 4)
        view, trust = 0.5 + 0.5 * x[:, :VIEW_CHANNELS], torch.sigmoid(x[:, VIEW_CHANNELS:]) * mask
        return trust * reference + (1.0 - trust) * view


@torch.no_grad()
def normalise(encoder: Encoder, decoder: Decoder, mean: Tensor, std: Tensor) -> None:
    """Fold mean and deviation [c] of the encoder's latents into both networks, so that latents become normal.

    Views stay as they are, but for a seam at the border: what the decoder pads there, zero, was another latent before.
    """
    outward, inward = encoder.outward, decoder.inward
    assert outward.bias is not None  # convolutions that are made with a bias have one
    assert inward.bias is not None
    outward.weight.div_(std[:, None, None, None])
    outward.bias.sub_(mean).div_(std)
    inward.bias.add_((inward.weight.sum(dim=(2, 3)) * mean).sum(dim=1))
    inward.weight.mul_(std[None, :, None, None])


def without_disparity(view: Tensor) -> Tensor:
    """The view as a mere picture: [b, 4, h, w] with its disparity unknown."""
    return torch.cat([view[:, :DISPARITY], torch.full_like(view[:, DISPARITY:], UNKNOWN_DISPARITY)], dim=1)
