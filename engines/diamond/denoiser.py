"""From a noisy picture to a clean one: the preconditioning of Karras et al. 2022 around a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engines.diamond.config import DenoiserConfig
    from engines.diamond.network import Network


class Denoiser:
    """Pictures are in single precision and from -1 to 1; the network has a precision of its own."""

    def __init__(self, config: DenoiserConfig, network: Network, dtype: torch.dtype) -> None:
        self._network, self._dtype = network, dtype
        self._data, self._offset = config.sigma_data, config.sigma_offset_noise

    def tensors(self) -> Iterator[Tensor]:
        """The weights."""
        yield from self._network.parameters()
        yield from self._network.buffers()

    def denoise(
        self, noisy: Tensor, sigma: float, context: Tensor, context_sigma: float, actions: Tensor | None
    ) -> Tensor:
        """The clean picture, not yet rounded: [B, C, h, w].

        noisy: [B, C, h, w] with noise of the level `sigma`
        context: [B, n * C, h, w], past pictures with noise of the level `context_sigma`, and what is to be enlarged
        actions: [B, n, actions]
        """
        # The model learned with a noise on top that moves whole pictures; the level it knows is that of both together.
        variance = sigma**2 + self._offset**2
        total = variance + self._data**2
        shown = torch.cat((context / self._data, noisy / math.sqrt(total)), dim=1).to(self._dtype)
        level, context_level = math.log(variance) / 8, math.log(context_sigma) / 4 if context_sigma else 0.0
        change = self._network(shown, level, context_level, actions).float()
        return noisy * (self._data**2 / total) + change * (math.sqrt(variance / total) * self._data)


def to_levels(picture: Tensor) -> Tensor:
    """-1 to 1, cut down to what 256 levels can show. NaN stays NaN."""
    return ((picture.clamp(-1, 1) + 1) / 2 * 255).floor() / 255 * 2 - 1
