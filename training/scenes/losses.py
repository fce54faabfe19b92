"""What the scene network minimises: errors of labels, of relief, of what is hidden, and of rendered views."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from training.scenes.labels import UNKNOWN
from world_model.layers import GROUND, INVERSE_DEPTH_FAR, LAYERS, PEEL_LAYERS, SKY, THINGS
from world_model.scene import compose, hidden_pictures, pixel_inverse_depth

if TYPE_CHECKING:
    from torch import Tensor

    from training.scenes.samples import Batch
    from world_model.layer_rendering import LayerRendering
    from world_model.scene import Parts
    from world_model.scene_net import Raw

_WEIGHTS: Final = MappingProxyType(
    {
        "layers": 0.3,
        "relief": 0.7,
        "upright": 0.2,
        "hidden": 2.0,
        "colours": 4.0,
        "edges": 2.0,
        "structure": 0.5,
        "entropy": 0.02,
    }
)
_SHARES_OF_PEELS: Final = (1.0, 0.5, 0.5)
_AT_CONTACTS: Final = 3.0  # additional weight of labels where things stand on the ground
_OF_NEAR_THINGS: Final = 1.0  # additional weight of their labels
_NEAR: Final = 6  # layers from here on are near
_RELIEF_FLOOR: Final = 0.03  # 1/m: errors are relative, but not to nothing
_LEAST_LOG: Final = -12.0


def scene_losses(
    batch: Batch, raw: Raw, parts: Parts, rendering: LayerRendering, *, focal: float, rendered: int
) -> dict[str, Tensor]:
    """The losses by name, and their weighted sum as "loss". The first `rendered` samples are rendered, too."""
    hidden = hidden_pictures(batch.pictures[:, 0], parts)
    losses = {
        "layers": _layer_loss(batch, parts),
        "relief": _relief_loss(batch, parts.cell_relief, focal),
        "upright": _relief_loss(batch, parts.relief, focal),
        "hidden": _hidden_loss(batch, hidden),
        "entropy": _entropy(parts.alpha),
        **_view_losses(batch, hidden, parts, rendering, rendered),
    }
    total = sum(
        (_WEIGHTS[name] * loss for name, loss in losses.items()), start=torch.zeros((), device=raw.relief.device)
    )
    return {"loss": total, **losses}


def _layer_loss(batch: Batch, parts: Parts) -> Tensor:
    """Cross-entropy of each peel's visible weights against the true layers."""
    total = torch.zeros((), device=batch.layers.device)
    for peel, (layers, log_weights) in enumerate(zip(PEEL_LAYERS, parts.log_weights, strict=True)):
        index = torch.zeros(LAYERS, dtype=torch.int64, device=batch.layers.device)
        index[list(layers)] = torch.arange(len(layers), device=batch.layers.device)
        known = batch.layers[:, peel] != UNKNOWN
        true = batch.layers[:, peel].where(known, SKY)
        loss = -log_weights.gather(1, index[true][:, None])[:, 0].clamp(min=_LEAST_LOG) * known
        if peel == 0:
            loss = loss * (1.0 + _AT_CONTACTS * _contacts(true) + _OF_NEAR_THINGS * (true >= _NEAR))
        total = total + _SHARES_OF_PEELS[peel] * loss.mean()
    return total


def _contacts(layers: Tensor) -> Tensor:
    """1 where a thing and the ground are within three rows of each other, else 0; [b, h, w]."""
    things = torch.isin(layers, torch.tensor(THINGS, device=layers.device)).float()[:, None]
    ground = (layers == GROUND).float()[:, None]
    near = [functional.max_pool2d(mask, (7, 1), stride=1, padding=(3, 0)) for mask in (things, ground)]
    return torch.minimum(near[0], near[1])[:, 0]


def _relief_loss(batch: Batch, relief: Tensor, focal: float) -> Tensor:
    """Relative error of inverse depth in the true layers, of each peel's cells of 2 x 2 pixels that have one layer."""
    size = batch.layers.shape[2] // 2, batch.layers.shape[3] // 2
    fine = pixel_inverse_depth(relief, batch.slope, size, 0.5 * focal)
    true_depths = functional.avg_pool2d(batch.inverse_depths, 2)
    total = torch.zeros((), device=relief.device)
    least = relief.new_tensor(INVERSE_DEPTH_FAR)
    for peel, share in enumerate(_SHARES_OF_PEELS):
        corners = [batch.layers[:, peel, y::2, x::2] for y in (0, 1) for x in (0, 1)]
        layers = corners[0]
        whole = (layers == corners[1]) & (layers == corners[2]) & (layers == corners[3])
        whole = whole & (layers != SKY) & (layers != UNKNOWN)
        layers = layers.where(whole, SKY)
        true = torch.maximum(true_depths[:, peel], least[layers])
        error = (fine.gather(1, layers[:, None])[:, 0] - true).abs() / (true + _RELIEF_FLOOR)
        total = total + share * (error * whole).mean()
    return total


def _hidden_loss(batch: Batch, hidden: tuple[Tensor, Tensor]) -> Tensor:
    """L1 of the two hidden pictures and of their edges, where something nearer hides them."""
    total = torch.zeros((), device=batch.pictures.device)
    for peel, made in enumerate(hidden, start=1):
        covered = (batch.layers[:, 0] != batch.layers[:, peel])[:, None].float()
        # Filling in draws on what is around, so that counts a little, too.
        weight = (covered + 0.1) * (batch.layers[:, peel] != UNKNOWN)[:, None]
        true = batch.pictures[:, peel]
        total = total + (weight * (made - true).abs()).mean() + 0.5 * _edge_error(made, true, weight)
    return total


def _entropy(alpha: Tensor) -> Tensor:
    """Of alphas that are neither 0 nor 1: unsure ones are fog."""
    inner = alpha[:, 1:].clamp(1e-4, 1.0 - 1e-4)
    return -(inner * inner.log() + (1.0 - inner) * (1.0 - inner).log()).mean()


def _view_losses(
    batch: Batch, hidden: tuple[Tensor, Tensor], parts: Parts, rendering: LayerRendering, rendered: int
) -> dict[str, Tensor]:
    """The scene seen from the target's place, against the target, where the keyframe covers it."""
    few = slice(0, rendered)
    scene = compose(batch.pictures[few, 0], (hidden[0][few], hidden[1][few]), parts.first(rendered))
    made, inside = rendering(scene, batch.relative_pose[few])
    true, weight = batch.targets[few], inside.detach()
    return {
        "colours": ((made - true).abs() * weight).mean(),
        "edges": _edge_error(made, true, weight),
        "structure": ((1.0 - _structure(made, true)) * weight).mean(),
    }


def _edge_error(made: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """L1 of differences between neighbours."""
    total = torch.zeros((), device=made.device)
    for axis in (2, 3):
        difference = (made.diff(dim=axis) - true.diff(dim=axis)).abs()
        total = total + (difference * weight.narrow(axis, 1, difference.shape[axis])).mean()
    return total


def _structure(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of windows of 5 x 5 pixels."""

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a * mean_a, mean(b * b) - mean_b * mean_b
    covariance = mean(a * b) - mean_a * mean_b
    return (
        (2.0 * mean_a * mean_b + 1e-4)
        * (2.0 * covariance + 9e-4)
        / ((mean_a * mean_a + mean_b * mean_b + 1e-4) * (var_a + var_b + 9e-4))
    )
