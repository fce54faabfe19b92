"""What a view looks like from another place: the reference that the next frame is made from.

Each pixel with its nearness is a point in space. The points are thrown into the new camera, the nearest winning; then
every new pixel fetches its colour from where its point lies in the old view. What no point reaches, or what the old
view shows something else for, is unknown.

The camera is the simulator's: a vertical picture plane, so that looking up shifts the picture (a shift lens).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from world_model.config import NEARNESS, ModelConfig

_EMPTY = -1.0  # inverse depth where no point fell
_SKY = 0.5 / 255.0  # nearness below which a point is infinitely far
_NEAREST = 0.9  # nearness: nothing comes nearer to the eye than 11 cm
_EDGE, _EDGE_SHARE = 0.02, 0.25  # a range of nearness in five pixels that no even ground has
_BEHIND = 0.05  # points less than this in front of the eye, relative to their distance, are dropped


def reproject(config: ModelConfig, view: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """The view after a move, and where it is known.

    view: [b, 4 or more, h, w], 0..1; moves: [b, MOVES]: right, up, forward (m, along the old axes), turn to the right
    (rad), slope (tangent of looking up) before and after -> (as view, [b, 1, h, w] of 0 and 1). Channels after the
    nearness are carried along. Where nothing is known the colours are those of the rotated, stretched border, and the
    nearness is 0.
    """
    motion = _Motion(*(m[:, None, None] for m in moves.unbind(dim=1)))
    view = torch.cat([view[:, :NEARNESS], _crisp(view[:, NEARNESS:][:, :1]), view[:, NEARNESS + 1 :]], dim=1)
    inverse = _close_cracks(_thrown(config, view, motion))
    return _fetched(config, view, motion, inverse)


def refer(config: ModelConfig, views: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """The reference of the next view: each pixel from the first of several views that shows it.

    views: [n, b, 4 or more, h, w], the preferred one first, the last one made second; moves: [n, b, MOVES] from each to
    the next view. What is returned has the shapes of `reproject`; where nothing is known it is the last view's border.
    """
    n, b = views.shape[:2]
    seen, known = reproject(config, views.flatten(0, 1), moves.flatten(0, 1))
    seen, known = seen.reshape(n, b, *seen.shape[1:]), known.reshape(n, b, *known.shape[1:])
    first = known * (torch.cumsum(known, dim=0) < 1.5)  # 1 for the first that knows the pixel
    anybody = torch.sum(first, dim=0)
    return torch.sum(first * seen, dim=0) + (1.0 - anybody) * seen[1], anybody


class _Motion(NamedTuple):
    """Moves by name, each [b, 1, 1]."""

    right: Tensor
    up: Tensor
    forward: Tensor
    turn: Tensor
    slope_before: Tensor
    slope_after: Tensor


def _thrown(config: ModelConfig, view: Tensor, motion: _Motion) -> Tensor:
    """Inverse depths [b, h, w] after the move, `_EMPTY` where no point of the view falls."""
    b, _, h, w = view.shape
    aside, down = _grid(config, view)
    # Homogeneous points (x, y, 1, inverse depth) of the old camera.
    inverse = torch.sqrt(1.0 + aside * aside) * _inverse_distance(view[:, NEARNESS])  # [b, h, w]
    x, z = aside - motion.right * inverse, 1.0 - motion.forward * inverse
    y = motion.slope_before - down - motion.up * inverse
    sin, cos = motion.turn.sin(), motion.turn.cos()
    depth = x * sin + z * cos
    front = depth > _BEHIND
    depth = torch.where(front, depth, torch.ones_like(depth))
    column = torch.round((x * cos - z * sin) / depth * config.focal + (0.5 * w - 0.5))
    row = torch.round((motion.slope_after - y / depth) * config.focal + (0.5 * h - 0.5))
    inside = front & (column >= 0) & (column < w) & (row >= 0) & (row < h)
    first = torch.arange(b, device=view.device)[:, None, None] * (h * w)
    place = torch.where(inside, row * w + column, torch.zeros_like(row)).long() + first
    thrown = torch.where(inside, inverse / depth, torch.full_like(depth, _EMPTY))
    buffer = view.new_full((b * h * w,), _EMPTY)
    buffer = buffer.scatter_reduce(0, place.flatten(), thrown.flatten(), reduce="amax", include_self=True)
    return buffer.reshape(b, h, w)


def _fetched(config: ModelConfig, view: Tensor, motion: _Motion, inverse: Tensor) -> tuple[Tensor, Tensor]:
    """What `reproject` returns, from the inverse depths after the move."""
    h, w = view.shape[2:]
    aside, down = _grid(config, view)
    reached = inverse >= 0.0
    inverse = inverse.clamp(min=0.0)
    sin, cos = motion.turn.sin(), motion.turn.cos()
    # Where the new pixels' points lie in the old camera.
    x = aside * cos + sin + motion.right * inverse
    z = cos - aside * sin + motion.forward * inverse
    y = motion.slope_after - down + motion.up * inverse
    front = z > _BEHIND
    z = torch.where(front, z, torch.full_like(z, _BEHIND))
    column, row = x / z * config.focal, (motion.slope_before - y / z) * config.focal  # from the centre
    grid = torch.stack([column * (2.0 / w), row * (2.0 / h)], dim=-1)
    fetched = functional.grid_sample(view, grid, mode="bilinear", padding_mode="border", align_corners=False)
    within = (column.abs() <= 0.5 * w) & (row.abs() <= 0.5 * h)
    expected = _nearness(inverse / z / torch.sqrt(1.0 + (x / z) ** 2))
    agrees = (fetched[:, NEARNESS] - expected).abs() < 0.02 + 0.12 * expected
    known = (reached & front & within & agrees).to(view.dtype)
    near = _nearness(inverse / torch.sqrt(1.0 + aside * aside)) * known
    return torch.cat([fetched[:, :NEARNESS], near[:, None], fetched[:, NEARNESS + 1 :]], dim=1), known[:, None]


def _grid(config: ModelConfig, view: Tensor) -> tuple[Tensor, Tensor]:
    """Tangents of each pixel to the right [1, 1, w] and downwards from the middle row [1, h, 1]."""
    h, w = view.shape[2:]
    aside = (torch.arange(w, dtype=view.dtype, device=view.device) + (0.5 - 0.5 * w)) / config.focal
    down = (torch.arange(h, dtype=view.dtype, device=view.device) + (0.5 - 0.5 * h)) / config.focal
    return aside[None, None, :], down[None, :, None]


def _inverse_distance(nearness: Tensor) -> Tensor:
    near = nearness.clamp(max=_NEAREST)
    return torch.where(near > _SKY, near / (1.0 - near), torch.zeros_like(near))


def _nearness(inverse_distance: Tensor) -> Tensor:
    return inverse_distance / (1.0 + inverse_distance)


def _crisp(nearness: Tensor) -> Tensor:
    """Nearness [b, 1, h, w] with soft edges made hard: what lies between a tree and the sky behind it belongs to one of
    them, and would be smeared across the gap between them if it had a distance of its own."""
    high = functional.max_pool2d(nearness, kernel_size=5, stride=1, padding=2)
    low = -functional.max_pool2d(-nearness, kernel_size=5, stride=1, padding=2)
    edge = high - low > _EDGE + _EDGE_SHARE * high
    return torch.where(edge, torch.where(nearness - low > high - nearness, high, low), nearness)


def _close_cracks(inverse: Tensor) -> Tensor:
    """Pixels that no point reached take the nearest of their neighbours: a surface that grows tears open."""
    grown = functional.max_pool2d(inverse[:, None], kernel_size=3, stride=1, padding=1)[:, 0]
    return torch.where(inverse < 0.0, grown, inverse)
