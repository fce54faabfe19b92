"""From noise to a picture: Euler steps with the noise that Karras et al. 2022 add on the way (their algorithm 2).

It follows the published sampler where that departs from the paper: it starts from noise of level 1, tells the network
the level before noise is added, adds noise to the past anew at every step, and rounds each estimate to 256 levels.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from engines.diamond.denoiser import to_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from engines.diamond.denoiser import Denoiser
    from engines.diamond.sampling import SamplerConfig

    Draw: TypeAlias = Callable[[tuple[int, ...]], Tensor]  # standard normal noise for all worlds, by a world's shape


def sample(denoiser: Denoiser, config: SamplerConfig, context: Tensor, actions: Tensor | None, draw: Draw) -> Tensor:
    """Pictures of 256 levels, -1 to 1: [B, 3, h, w]; NaN where the network failed.

    context: [B, n * 3, h, w]; actions: [B, n, actions], None for the upsampler
    """
    shape = (3, *context.shape[2:])
    most_churn = min(config.s_churn / config.steps, math.sqrt(2) - 1)
    picture = draw(shape)
    for sigma, following in pairwise(config.sigmas()):
        churn = most_churn if config.s_tmin <= sigma <= config.s_tmax else 0.0
        raised = sigma * (1 + churn)
        if churn > 0:
            picture = picture + draw(shape) * (config.s_noise * math.sqrt(raised**2 - sigma**2))
        if config.context_sigma > 0:
            context = context + draw(tuple(context.shape[1:])) * config.context_sigma
        clean = to_levels(denoiser.denoise(picture, sigma, context, config.context_sigma, actions))
        # The last step, to the level 0, ends in the estimate itself.
        picture = clean if following == 0 else picture + (picture - clean) * ((following - raised) / raised)
    return picture
