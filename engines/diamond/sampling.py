"""How a frame is sampled: the noise levels on the way, and how much noise is added along it.

The names are those of Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """One diffusion model's way from noise to a picture.

    `s_churn` is the noise that is added back over all steps whose level lies in `s_tmin` to `s_tmax`, scaled by
    `s_noise`. `context_sigma` is the level of the noise that is added to the past pictures; 0 leaves them as they are.
    """

    steps: int
    sigma_min: float
    sigma_max: float = 5.0
    rho: float = 7.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = float("inf")
    s_noise: float = 1.0
    context_sigma: float = 0.0

    def sigmas(self) -> list[float]:
        """`steps` levels that fall from `sigma_max` to `sigma_min`, then 0.

        They are rounded to single precision, as the model is served with: `s_tmin` and `s_tmax` are compared with them.
        """
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        ramp = torch.linspace(0, 1, self.steps, dtype=torch.float32, device="cpu")
        return [*((high + ramp * (low - high)) ** self.rho).tolist(), 0.0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    name: str
    next_picture: SamplerConfig
    enlargement: SamplerConfig


# The published settings for a graphics card.
FULL: Final = Sampling(
    name="full",
    next_picture=SamplerConfig(steps=3, sigma_min=2e-3, context_sigma=5e-3),
    enlargement=SamplerConfig(steps=10, sigma_min=1.0, s_churn=10.0, s_tmin=1.0, s_tmax=5.0, s_noise=0.9),
)
# The published settings for a processor: two passes of a network a frame instead of thirteen, less sharp.
FAST: Final = Sampling(
    name="fast",
    next_picture=SamplerConfig(steps=1, sigma_min=2e-3, context_sigma=5e-3),
    enlargement=SamplerConfig(steps=1, sigma_min=1.0, s_churn=10.0, s_tmin=1.0, s_tmax=5.0, s_noise=0.9),
)
