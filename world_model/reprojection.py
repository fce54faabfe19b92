"""What views look like from another place: the reference that the next frame is made from.

Each pixel with its disparity is a point in space. The points are thrown into the new camera, the nearest winning; then
every new pixel fetches its colour from where its point lies in the old view. What no point reaches, or what the old
view shows something else for, is unknown. Colours are fetched once, from the first view that shows the pixel, and by
cubics: what is made from what was made from what was made would soon be blurred by straight lines.

The camera is the simulator's: a vertical picture plane, so that looking up shifts the picture (a shift lens).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from world_model.config import DISPARITY, ModelConfig

_EMPTY = -1.0  # inverse depth where no point fell
_SKY = 0.5 / 255.0  # disparity below which a point is infinitely far
_NEAREST = 0.9  # disparity: nothing comes nearer to the eye than 11 cm
_EDGE, _EDGE_SHARE = 0.02, 0.25  # a range of disparity in five pixels that no even ground has
_MARGIN = 2  # pixels, what a cubic looks beyond
_BEHIND = 0.05  # points less than this in front of the eye, relative to their distance, are dropped


def reproject(config: ModelConfig, view: Tensor, relative_pose: Tensor) -> tuple[Tensor, Tensor]:
    """The view from another pose, and the mask of where it is known.

    view: [b, 4 or more, h, w], 0..1; relative_pose: [b, RELATIVE_POSE_DIM]: right, up, forward (m, along the old axes),
    turn to the right (rad), slope (tangent of looking up) before and after -> (as view, [b, 1, h, w] of 0 and 1).
    Channels after the disparity are carried along. Where the mask is 0 the colours are those of the rotated, stretched
    border, and the disparity is 0.
    """
    return refer(config, view[None], relative_pose[None], last=0)


def refer(config: ModelConfig, views: Tensor, relative_poses: Tensor, *, last: int = 1) -> tuple[Tensor, Tensor]:
    """The reference of the next view: each pixel from the first of several views that shows it.

    views: [n, b, 4 or more, h, w], the preferred one first; relative_poses: [n, b, RELATIVE_POSE_DIM], of
    the next view relative to each. What is returned has the shapes of `reproject`; where the mask is 0 it is the border
    of the view numbered `last`, the last one that was made.
    """
    n, b, _, h, w = views.shape
    by_name = _RelativePose(*(m[:, None, None] for m in relative_poses.flatten(0, 1).unbind(dim=1)))
    disparity = _crisp(views[:, :, DISPARITY].reshape(n * b, 1, h, w))
    inverse = _close_cracks(_thrown(config, disparity, by_name))
    column, row, near, mask = (x.reshape(n, b, h, w) for x in _traced(config, disparity, by_name, inverse))
    untold = (torch.cumsum(mask, dim=0) < 0.5).to(views.dtype)  # 1 until a view knows the pixel
    first, nobody = mask * (torch.cumsum(mask, dim=0) < 1.5), untold[-1]
    number = torch.sum(untold, dim=0) * (1.0 - nobody) + last * nobody  # of the view that gives the pixel: [b, h, w]
    column = torch.sum(first * column, dim=0) + nobody * column[last]
    row = torch.sum(first * row, dim=0) + nobody * row[last]
    fetched = _fetched(torch.cat([views[:, :, :DISPARITY], views[:, :, DISPARITY + 1 :]], dim=2), number, column, row)
    near = torch.sum(first * near, dim=0)[:, None]
    return torch.cat([fetched[:, :DISPARITY], near, fetched[:, DISPARITY:]], dim=1), (1.0 - nobody)[:, None]


class _RelativePose(NamedTuple):
    """A relative pose by name, each [b, 1, 1]."""

    right: Tensor
    up: Tensor
    forward: Tensor
    turn: Tensor
    slope_before: Tensor
    slope_after: Tensor


def _thrown(config: ModelConfig, disparity: Tensor, relative_pose: _RelativePose) -> Tensor:
    """Inverse depths [b, h, w] after the move, `_EMPTY` where no point of the view [b, 1, h, w] falls."""
    b, _, h, w = disparity.shape
    aside, down = _grid(config, disparity)
    # Homogeneous points (x, y, 1, inverse depth) of the old camera.
    inverse = torch.sqrt(1.0 + aside * aside) * _inverse_distance(disparity[:, 0])  # [b, h, w]
    x, z = aside - relative_pose.right * inverse, 1.0 - relative_pose.forward * inverse
    y = relative_pose.slope_before - down - relative_pose.up * inverse
    sin, cos = relative_pose.turn.sin(), relative_pose.turn.cos()
    depth = x * sin + z * cos
    front = depth > _BEHIND
    depth = torch.where(front, depth, torch.ones_like(depth))
    column = torch.round((x * cos - z * sin) / depth * config.focal + (0.5 * w - 0.5))
    row = torch.round((relative_pose.slope_after - y / depth) * config.focal + (0.5 * h - 0.5))
    inside = front & (column >= 0) & (column < w) & (row >= 0) & (row < h)
    first = torch.arange(b, device=disparity.device)[:, None, None] * (h * w)
    place = torch.where(inside, row * w + column, torch.zeros_like(row)).long() + first
    thrown = torch.where(inside, inverse / depth, torch.full_like(depth, _EMPTY))
    buffer = disparity.new_full((b * h * w,), _EMPTY)
    buffer = buffer.scatter_reduce(0, place.flatten(), thrown.flatten(), reduce="amax", include_self=True)
    return buffer.reshape(b, h, w)


def _traced(
    config: ModelConfig, disparity: Tensor, relative_pose: _RelativePose, inverse: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the new pixels lie in the old view, column and row, their disparity, and its mask: [b, h, w]."""
    h, w = disparity.shape[2:]
    aside, down = _grid(config, disparity)
    reached = inverse >= 0.0
    inverse = inverse.clamp(min=0.0)
    sin, cos = relative_pose.turn.sin(), relative_pose.turn.cos()
    # Where the new pixels' points lie in the old camera.
    x = aside * cos + sin + relative_pose.right * inverse
    z = cos - aside * sin + relative_pose.forward * inverse
    y = relative_pose.slope_after - down + relative_pose.up * inverse
    front = z > _BEHIND
    z = torch.where(front, z, torch.full_like(z, _BEHIND))
    column, row = x / z * config.focal, (relative_pose.slope_before - y / z) * config.focal  # from the centre
    grid = torch.stack([column * (2.0 / w), row * (2.0 / h)], dim=-1)
    found = functional.grid_sample(disparity, grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]
    within = (column.abs() <= 0.5 * w) & (row.abs() <= 0.5 * h)
    expected = _disparity(inverse / z / torch.sqrt(1.0 + (x / z) ** 2))
    agrees = (found - expected).abs() < 0.02 + 0.12 * expected
    mask = (reached & front & within & agrees).to(disparity.dtype)
    near = _disparity(inverse / torch.sqrt(1.0 + aside * aside)) * mask
    return column + (0.5 * w - 0.5), row + (0.5 * h - 0.5), near, mask


def _fetched(views: Tensor, number: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Pixels [b, c, h, w] of several views [n, b, c, h, w], each from one of them and a place there, [b, h, w].

    The views are laid one below the other, with margins, and sampled as one picture.
    """
    h, w = views.shape[3:]
    top, bottom = views[:, :, :, :1], views[:, :, :, -1:]
    laid = torch.cat([top, top, views, bottom, bottom], dim=3).permute(1, 2, 0, 3, 4).flatten(2, 3)
    tall = laid.shape[2]
    row = row.clamp(0.0, h - 1.0) + (number * (h + 2.0 * _MARGIN) + _MARGIN)
    grid = torch.stack([(column + 0.5) * (2.0 / w) - 1.0, (row + 0.5) * (2.0 / tall) - 1.0], dim=-1)
    sampled = functional.grid_sample(laid, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return sampled.clamp(0.0, 1.0)


def _grid(config: ModelConfig, view: Tensor) -> tuple[Tensor, Tensor]:
    """Tangents of each pixel to the right [1, 1, w] and downwards from the middle row [1, h, 1]."""
    h, w = view.shape[2:]
    aside = (torch.arange(w, dtype=view.dtype, device=view.device) + (0.5 - 0.5 * w)) / config.focal
    down = (torch.arange(h, dtype=view.dtype, device=view.device) + (0.5 - 0.5 * h)) / config.focal
    return aside[None, None, :], down[None, :, None]


def _inverse_distance(disparity: Tensor) -> Tensor:
    near = disparity.clamp(max=_NEAREST)
    return torch.where(near > _SKY, near / (1.0 - near), torch.zeros_like(near))


def _disparity(inverse_distance: Tensor) -> Tensor:
    return inverse_distance / (1.0 + inverse_distance)


def _crisp(disparity: Tensor) -> Tensor:
    """Disparity [b, 1, h, w] with soft edges made hard.

    A pixel between a tree and the sky behind it belongs to one of them. With a distance of its own it would be smeared
    across the gap between them.
    """
    high = functional.max_pool2d(disparity, kernel_size=5, stride=1, padding=2)
    low = -functional.max_pool2d(-disparity, kernel_size=5, stride=1, padding=2)
    edge = high - low > _EDGE + _EDGE_SHARE * high
    return torch.where(edge, torch.where(disparity - low > high - disparity, high, low), disparity)


def _close_cracks(inverse: Tensor) -> Tensor:
    """Pixels that no point reached take the nearest of their neighbours: a surface that grows tears open."""
    grown = functional.max_pool2d(inverse[:, None], kernel_size=3, stride=1, padding=1)[:, 0]
    return torch.where(inverse < 0.0, grown, inverse)
