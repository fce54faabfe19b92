"""What training minimises: distances between views, and between latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_EDGE_WEIGHT = 1.0
_DISPARITY_WEIGHT = 2.0  # disparity moves pixels, its errors are seen as swimming ground


def view_loss(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """L1 of colours, disparity and their edges at two scales: plain L1 alone would blur what it cannot place.

    made, truth: [b, 4, h, w]; weight: [b, 1, h, w].
    """
    channels = torch.tensor([1.0, 1.0, 1.0, _DISPARITY_WEIGHT], device=made.device)[None, :, None, None] * weight
    loss = (channels * (made - truth).abs()).mean()
    for scale in (1, 2):
        if scale > 1:
            made, truth, channels = (functional.avg_pool2d(x, scale) for x in (made, truth, channels))
        for axis in (2, 3):
            edges = (made.diff(dim=axis) - truth.diff(dim=axis)).abs()
            loss = loss + _EDGE_WEIGHT * (channels.narrow(axis, 1, edges.shape[axis]) * edges).mean()
    return loss


def disparity_loss(guessed: Tensor, true: Tensor) -> Tensor:
    """Of disparity [b, 1, h, w]: L1 of the square roots, so that far things count too, and of their edges."""
    guessed, true = (guessed + 1e-4).sqrt(), (true + 1e-4).sqrt()
    loss = (guessed - true).abs().mean()
    for axis in (2, 3):
        loss = loss + (guessed.diff(dim=axis) - true.diff(dim=axis)).abs().mean()
    return loss


def latent_loss(x0_pred: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error of predicted clean latents [b, c, h, w] under a weight [b, 1, h, w].

    As an x-prediction loss of a flow its weight over the noise level is bounded, which few-step sampling wants.
    """
    return (weight * (x0_pred - clean).square()).mean()


def step_loss(predicted: Tensor, taken: Tensor) -> Tensor:
    """Huber distance of steps [b, 3] in centimetres; a bump into a wall is an outlier."""
    return functional.smooth_l1_loss(100.0 * predicted, 100.0 * taken)
