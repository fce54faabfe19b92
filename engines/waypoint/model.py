"""A loaded model: weights that all worlds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from engines.waypoint.autoencoder import Autoencoder
    from engines.waypoint.config import WaypointConfig
    from engines.waypoint.network import Network
    from engines.waypoint.positions import Positions


@dataclass(frozen=True, slots=True)
class WaypointModel:
    config: WaypointConfig
    network: Network
    positions: Positions
    autoencoder: Autoencoder
    dtype: torch.dtype
    device: torch.device
    cuda_graphs: bool
    cudnn_attention: bool
    notes: tuple[str, ...]  # sentences about what is odd in the files

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of frames."""
        return self.autoencoder.frame_shape

    @property
    def frames_per_latent(self) -> int:
        return self.autoencoder.frames_per_latent

    def tensors(self) -> Iterator[Tensor]:
        """All that worlds share on the device."""
        yield from self.network.parameters()
        tables = self.network.tables
        yield from (tables.steps, tables.modulation, tables.output, self.positions.space)
        yield from self.autoencoder.tensors()
