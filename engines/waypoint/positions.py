"""Rotary positions of tokens in a latent and of latents in time (RoFormer, Su et al. 2021, with axes apart)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from engines.waypoint.conditioning import Constants, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.waypoint.config import WaypointConfig


class Positions:
    """d: width of a head. A quarter of its channels turns with the column, a quarter with the row, half with time."""

    def __init__(self, config: WaypointConfig, constants: Constants, device: torch.device) -> None:
        self._constants: Constants = constants
        self._rounds_tables = config.is_waypoint_1  # this generation rounds sines and cosines, 1.5 the frequencies
        self._ticks = config.ticks_per_latent
        d = config.head_dim
        nyquist = config.rope_nyquist_frac * min(config.height, config.width) / 2
        space = math.pi * torch.linspace(1.0, nyquist, d // 16)
        time = config.rope_theta ** -(torch.arange(0, d // 4, 2) / (d // 4))
        self._space_frequencies = self._round_frequencies(space).repeat_interleave(2)  # [d / 8]
        # In double precision: after hours of play the angle is too large for single.
        self._time_frequencies = self._round_frequencies(time).repeat_interleave(2).double()  # [d / 4]
        self.space = self._tables(self._space_angles(config)).to(device)  # [2, T, d / 4]

    def time(self, frames: Sequence[int]) -> Tensor:
        """Cosines and sines of latents by their numbers, on the CPU: [2, B, d / 4]."""
        ticks = torch.tensor(frames, dtype=torch.float64) * self._ticks
        return self._tables(ticks[:, None] * self._time_frequencies)

    def _space_angles(self, config: WaypointConfig) -> Tensor:
        columns = (2.0 * torch.arange(config.width) + 1.0) / config.width - 1.0
        rows = (2.0 * torch.arange(config.height) + 1.0) / config.height - 1.0
        across = (columns[:, None] * self._space_frequencies).expand(config.height, -1, -1)
        down = (rows[:, None, None] * self._space_frequencies).expand(-1, config.width, -1)
        return torch.cat([across, down], dim=2).flatten(0, 1)  # [T, d / 4]

    def _round_frequencies(self, frequencies: Tensor) -> Tensor:
        return frequencies if self._rounds_tables else rounded(frequencies, self._constants)

    def _tables(self, angles: Tensor) -> Tensor:
        tables = torch.stack([angles.cos(), angles.sin()]).float()
        return rounded(tables, self._constants) if self._rounds_tables else tables


def angles_of_tokens(space: Tensor, time: Tensor) -> Tensor:
    """[2, T, d / 4] and [2, B, d / 4] -> [2, B, T, 1, d / 2], as `rotate` takes them."""
    _, tokens, quarter = space.shape
    worlds = time.shape[1]
    both = space[:, None].expand(2, worlds, tokens, quarter), time[:, :, None].expand(2, worlds, tokens, quarter)
    return torch.cat(both, dim=3)[:, :, :, None]


def rotate(heads: Tensor, angles: Tensor) -> Tensor:
    """[B, T, heads, d], neighbouring channels a pair -> the same in float32, the halves of the channels a pair."""
    pairs = heads.float().reshape(*heads.shape[:3], -1, 2)
    even, odd = pairs[..., 0], pairs[..., 1]  # [B, T, heads, d / 2]
    cos, sin = angles
    return torch.cat([even * cos - odd * sin, odd * cos + even * sin], dim=3)
