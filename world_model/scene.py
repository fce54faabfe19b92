"""From what the scene network says to soft layers: alphas, reliefs and colours, of torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from world_model.layers import (
    CELL,
    EYE_HEIGHT_M,
    FAR,
    GROUND,
    INVERSE_DEPTH_FAR,
    INVERSE_DEPTH_NEAR,
    LAYERS,
    MARGIN,
    MIDDLE_THINGS,
    PEEL_LAYERS,
    SKY,
    THINGS,
)
from world_model.scene_net import row_slopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from world_model.scene_net import Raw

_GROUND_SCALE: Final = 0.1  # 1/m for a relief of 1
_COLUMN_REACH: Final = 0.25  # share of a column's weight in the relief of the next one
_LEAST_WEIGHT: Final = 1e-5  # of a thing in a column; below it the layer's middle is its relief
_COARSEST: Final = 4  # pixels; push-pull ends there


class Scene(NamedTuple):
    """Soft layers, back to front. `cells` are h / 8 and w / 8."""

    alpha: Tensor  # [b, LAYERS, h, w]; the sky's is 1
    colour: Tensor  # [b, LAYERS, 3, h, w], 0..1
    relief: Tensor  # [b, LAYERS, cells], inverse depth; the ground's beyond the plane's


class Parts(NamedTuple):
    """What a scene is made of, as training sees it."""

    alpha: Tensor  # [b, LAYERS, h, w]
    log_weights: tuple[Tensor, ...]  # by peel: log of the visible weight of the layers of `PEEL_LAYERS`, [b, n, h, w]
    cell_relief: Tensor  # [b, LAYERS, cells], before things are made upright
    relief: Tensor  # [b, LAYERS, cells]

    def first(self, count: int) -> Parts:
        """Of the first pictures of a batch."""
        weights = tuple(part[:count] for part in self.log_weights)
        return Parts(self.alpha[:count], weights, self.cell_relief[:count], self.relief[:count])


def parts_of(raw: Raw) -> Parts:
    """Alphas and reliefs."""
    log_alpha = functional.pad(functional.logsigmoid(raw.alpha_logits), (0, 0, 0, 0, 1, 0))  # the sky's is log 1
    log_clear = functional.pad(functional.logsigmoid(-raw.alpha_logits), (0, 0, 0, 0, 1, 0))
    log_weights = tuple(_log_weights(log_alpha, log_clear, layers) for layers in PEEL_LAYERS)
    cell_relief = _cell_relief(raw.relief)
    return Parts(log_alpha.exp(), log_weights, cell_relief, _upright(cell_relief, log_weights[0].exp()))


def compose(colours: Tensor, hidden: tuple[Tensor, Tensor], parts: Parts) -> Scene:
    """The layers of pictures [b, 3, h, w], 0..1; what each hides behind others comes from the `hidden_pictures`."""
    behind = parts.log_weights[-1].exp()
    middle, back = (_mixed(colours, part, own) for part, own in zip(hidden, _left_by_peels(parts), strict=True))
    sky, far, _ = (push_pull(back, behind[:, n : n + 1]) for n in range(3))
    by_layer = {SKY: sky, FAR: far, GROUND: back, **dict.fromkeys(MIDDLE_THINGS, middle)}
    layers = [by_layer.get(layer, colours) for layer in range(LAYERS)]
    return Scene(parts.alpha, torch.stack(layers, dim=1), parts.relief)


def hidden_pictures(colours: Tensor, parts: Parts) -> tuple[Tensor, Tensor]:
    """What is to be seen without near things, and without any: twice [b, 3, h, w].

    Each is filled in from the visible pixels of the layers that are left.
    """
    middle, back = (push_pull(colours, own) for own in _left_by_peels(parts))
    return middle, back


def _left_by_peels(parts: Parts) -> tuple[Tensor, Tensor]:
    """How much of each pixel shows what is left without near things, and without any: twice [b, 1, h, w]."""
    visible = parts.log_weights[0].exp()
    middle, back = (_apart(visible[:, list(layers)].sum(dim=1, keepdim=True)) for layers in PEEL_LAYERS[1:])
    return middle, back


def _apart(weight: Tensor) -> Tensor:
    """A weight [b, 1, h, w] without the pixels beside what it leaves out. Those show a little of that, which stayed
    behind as a streak wherever a tree had stood."""
    return -functional.max_pool2d(-weight, 2 * MARGIN + 1, stride=1, padding=MARGIN)


def push_pull(colours: Tensor, weight: Tensor) -> Tensor:
    """Colours [b, c, h, w] where the weight [b, 1, h, w] is 1, and a smooth continuation of them where it is 0.

    Averages go down a pyramid and come back up where nothing finer is known (Gortler et al. 1996).
    """
    if min(colours.shape[2:]) <= _COARSEST:
        mean = (colours * weight).mean(dim=(2, 3), keepdim=True) / (weight.mean(dim=(2, 3), keepdim=True) + 1e-4)
        return _mixed(colours, mean, weight)
    small_weight = functional.avg_pool2d(weight, 2)
    small = functional.avg_pool2d(colours * weight, 2) / (small_weight + 1e-4)
    # A coarse pixel counts in full as soon as a quarter of it is known.
    below = push_pull(small, (4.0 * small_weight).clamp(max=1.0))
    return _mixed(
        colours, functional.interpolate(below, scale_factor=2.0, mode="bilinear", align_corners=False), weight
    )


def pixel_inverse_depth(relief: Tensor, slope: Tensor, size: tuple[int, int], focal: float) -> Tensor:
    """Inverse depth of every layer at every pixel, [b, LAYERS, *size], the ground's with its plane.

    relief: [b, LAYERS, cells]; slope: [b], tangent of looking up; `focal` in pixels.
    """
    fine = functional.interpolate(relief, size=size, mode="bilinear", align_corners=False)
    plane = row_slopes(slope, size[0], focal)[:, None, :, None] / EYE_HEIGHT_M
    ground = torch.zeros(LAYERS, dtype=relief.dtype, device=relief.device)
    ground[GROUND] = 1.0
    return fine - ground[None, :, None, None] * plane


def _log_weights(log_alpha: Tensor, log_clear: Tensor, layers: Sequence[int]) -> Tensor:
    """Log of alpha times what is let through by the layers in front, of these layers alone."""
    chosen = list(layers)
    clear = log_clear[:, chosen]
    through = clear.flip(1).cumsum(dim=1).flip(1) - clear
    return log_alpha[:, chosen] + through


def _cell_relief(raw: Tensor) -> Tensor:
    """[b, LAYERS - 1, cells] as said by the network -> inverse depth [b, LAYERS, cells] within each layer's ends."""
    far, near = (raw.new_tensor(ends)[None, 1:, None, None] for ends in (INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR))
    within = far + (near - far) * raw.sigmoid()
    layers = [raw.new_zeros(raw[:, :1].shape), *within.chunk(LAYERS - 1, dim=1)]
    layers[GROUND] = _GROUND_SCALE * raw[:, GROUND - 1 : GROUND]
    return torch.cat(layers, dim=1)


def _upright(relief: Tensor, visible: Tensor) -> Tensor:
    """Give each layer of things one relief for a column, because things stand upright.

    A thing that is split between two layers has the mean of both, so its parts move as one.

    relief: [b, LAYERS, cells]; visible: [b, LAYERS, h, w], visible weights.
    """
    things = list(THINGS)
    weight = functional.avg_pool2d(visible[:, things], 2)  # half the size is fine enough, and costs a quarter
    fine = functional.interpolate(relief[:, things], size=weight.shape[2:], mode="bilinear", align_corners=False)
    shared = (weight * fine).sum(dim=1, keepdim=True) / (weight.sum(dim=1, keepdim=True) + 1e-4)
    columns = functional.avg_pool2d(weight, CELL // 2).mean(dim=2)  # [b, things, columns]
    moment = functional.avg_pool2d(weight * shared, CELL // 2).mean(dim=2)
    places = torch.arange(columns.shape[2], dtype=relief.dtype, device=relief.device)
    spread = _COLUMN_REACH ** (places[:, None] - places[None, :]).abs()
    middle = 0.5 * (relief.new_tensor(INVERSE_DEPTH_FAR) + relief.new_tensor(INVERSE_DEPTH_NEAR))[things]
    total = columns @ spread + _LEAST_WEIGHT
    upright = (moment @ spread + _LEAST_WEIGHT * middle[None, :, None]) / total
    made = list(relief.chunk(LAYERS, dim=1))
    for layer, column in zip(THINGS, upright.chunk(len(THINGS), dim=1), strict=True):
        made[layer] = column[:, :, None, :].expand(-1, -1, relief.shape[2], -1)
    return torch.cat(made, dim=1)


def _mixed(front: Tensor, behind: Tensor, weight: Tensor) -> Tensor:
    return behind + weight * (front - behind)
