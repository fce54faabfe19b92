"""What the stages of motion and depth minimise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def disparity_loss(guessed: Tensor, true: Tensor) -> Tensor:
    """Of disparity [b, 1, h, w]: L1 of the square roots, so that far things count too, and of their edges."""
    guessed, true = (guessed + 1e-4).sqrt(), (true + 1e-4).sqrt()
    loss = (guessed - true).abs().mean()
    for axis in (2, 3):
        loss = loss + (guessed.diff(dim=axis) - true.diff(dim=axis)).abs().mean()
    return loss


def step_loss(predicted: Tensor, taken: Tensor) -> Tensor:
    """Huber distance of steps [b, 3] in centimetres; a bump into a wall is an outlier."""
    return functional.smooth_l1_loss(100.0 * predicted, 100.0 * taken)
