"""Draws soft layers from another place, differentiably: what training renders with. Play uses `layer_renderer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.layers import CELL, CLOSEST, EYE_HEIGHT_M, GROUND, INVERSE_DEPTH_FAR, INVERSE_DEPTH_NEAR, LAYERS, SKY

if TYPE_CHECKING:
    from world_model.config import ModelConfig
    from world_model.scene import Scene

_ROUNDS: Final = 3  # of the fixed point between a point's inverse depth and where it is looked up
_SIDEWAYS: Final = 0.1  # least share of the look that goes forward
_STEEP_PLANE: Final = 0.15
_FADE_FROM: Final = 0.1  # forward metres left of each metre of distance, below which a layer fades
_FADE: Final = 0.25


class Rendered(NamedTuple):
    picture: Tensor  # [b, 3, h, w]
    inside: Tensor  # [b, 1, h, w], share of what lay within the keyframe's picture


class LayerRendering(nn.Module):
    """Renders batches of scenes at one size."""

    rows_up: Tensor
    columns_up: Tensor
    is_ground: Tensor
    first_guess: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._height, self._width, self._focal = config.height, config.width, config.focal
        self.register_buffer("rows_up", _enlarging(config.height))
        self.register_buffer("columns_up", _enlarging(config.width))
        ground = torch.zeros(LAYERS)
        ground[GROUND] = 1.0
        middle = 0.5 * (torch.tensor(INVERSE_DEPTH_FAR) + torch.tensor(INVERSE_DEPTH_NEAR))
        self.register_buffer("is_ground", ground[None, :, None, None])
        self.register_buffer("first_guess", middle[None, :, None, None])

    def forward(self, scene: Scene, relative_pose: Tensor) -> Rendered:
        """relative_pose: [b, 6], what leads from the keyframe to the new place: right, up and forward in metres, the
        turn to the right in radians, the slopes of looking up before and after."""
        b, (h, w) = scene.alpha.shape[0], (self._height, self._width)
        x, y, keep = self._sources(scene.relief, relative_pose).unbind(dim=2)  # each [b, LAYERS, h, w]
        grid = torch.stack([x, y], dim=-1).reshape(b * LAYERS, h, w, 2)
        rgba = torch.cat([scene.colour, scene.alpha[:, :, None]], dim=2).reshape(b * LAYERS, 4, h, w)
        seen = functional.grid_sample(rgba, grid, padding_mode="border", align_corners=False)
        seen = seen.reshape(b, LAYERS, 4, h, w)
        within = ((x.abs() < 1.0) & (y.abs() < 1.0)).to(x.dtype)
        alpha = seen[:, :, 3] * keep
        picture, inside = seen[:, SKY, :3], within[:, SKY : SKY + 1]
        for layer in range(1, LAYERS):
            a = alpha[:, layer : layer + 1]
            picture = picture + a * (seen[:, layer, :3] - picture)
            inside = inside + a * (within[:, layer : layer + 1] - inside)
        return Rendered(picture, inside)

    def _sources(self, relief: Tensor, relative_pose: Tensor) -> Tensor:
        """Where in the keyframe each pixel of each layer comes from: x and y from -1 to 1, and how much of it is kept,
        [b, LAYERS, 3, h, w]."""
        right, up, forward, turn, slope, new_slope = (part[:, None, None, None] for part in relative_pose.unbind(dim=1))
        half_w, half_h = 0.5 * self._width / self._focal, 0.5 * self._height / self._focal
        rows, columns = self.rows_up.shape[1], self.columns_up.shape[1]
        aside = torch.linspace(-half_w, half_w, columns, device=relief.device)[None, None, None, :]
        down = torch.linspace(-half_h, half_h, rows, device=relief.device)[None, None, :, None]
        ahead = (turn.cos() - aside * turn.sin()).clamp(min=_SIDEWAYS)
        x0 = ((aside * turn.cos() + turn.sin()) / ahead).expand(-1, 1, rows, -1)
        y0 = (new_slope - down) / ahead
        x1, y1 = right - forward * x0, up - forward * y0
        scale = (1.0 + self.is_ground * y1 / EYE_HEIGHT_M).clamp(min=_STEEP_PLANE)
        plane = -self.is_ground * y0 / EYE_HEIGHT_M
        depth = ((self.first_guess + plane) / scale).clamp(0.0, CLOSEST)
        flat = relief.reshape(-1, 1, *relief.shape[2:])
        for _ in range(_ROUNDS):
            x, y = (x0 + depth * x1) / half_w, (slope - y0 - depth * y1) / half_h
            looked_up = functional.grid_sample(
                flat,
                torch.stack([x, y], dim=-1).reshape(flat.shape[0], rows, columns, 2),
                padding_mode="border",
                align_corners=False,
            ).reshape(depth.shape)
            depth = ((looked_up + plane) / scale).clamp(0.0, CLOSEST)
        x, y = (x0 + depth * x1) / half_w, (slope - y0 - depth * y1) / half_h
        keep = ((1.0 - forward * depth - _FADE_FROM) / _FADE).clamp(0.0, 1.0)
        return self.rows_up @ torch.stack([x, y, keep], dim=2) @ self.columns_up.T


def _enlarging(pixels: int) -> Tensor:
    """Linear interpolation from the corners of cells to the middles of pixels, [pixels, pixels / CELL + 1]."""
    weights = torch.zeros(pixels, pixels // CELL + 1)
    for pixel in range(pixels):
        cell, share = divmod((pixel + 0.5) / CELL, 1.0)
        weights[pixel, int(cell)], weights[pixel, int(cell) + 1] = 1.0 - share, share
    return weights
