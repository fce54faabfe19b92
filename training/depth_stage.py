"""The second stage: disparity from a single picture. It does not need the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from training.samples import colour_mixes, recoloured
from training.stage import Averaged, descend, learning_rate, mixed_precision, step_rng
from world_model.config import DISPARITY
from world_model.losses import disparity_loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from training.networks import Networks
    from training.presets import StagePlan
    from training.samples import Views
    from training.stage import StageName

_DECAY: Final = 0.995  # of the average, in a step


class DepthStage:
    name: StageName = "depth"

    def __init__(self, networks: Networks, plan: StagePlan, views: Views, device: torch.device) -> None:
        self.plan = plan
        self._depth_net, self._views, self._device = networks.depth_net, views, device
        self._average = Averaged(networks.depth_net, _DECAY)
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            self._depth_net.parameters(), lr=plan.learning_rate, weight_decay=1e-3, betas=(0.9, 0.98)
        )

    @property
    def averages(self) -> Mapping[str, nn.Module]:
        return {"sight": self._average.module}  # by its name in `Networks.named`

    def step(self, number: int) -> dict[str, float]:
        rng, store = step_rng(self.name, number), self._views.store
        places = [(int(rng.integers(len(store))), int(rng.integers(store.length))) for _ in range(self.plan.batch)]
        views = self._views.batch(places).to(self._device).float() / 255.0
        views = recoloured(views, colour_mixes(self.plan.batch, rng).to(self._device))
        mirrored = torch.as_tensor(rng.random(self.plan.batch) < 0.5, device=self._device)[:, None, None, None]
        views = torch.where(mirrored, views.flip(3), views)
        true = views[:, DISPARITY:]
        with mixed_precision(self._device):
            guessed = self._depth_net(views[:, :DISPARITY])
        loss = disparity_loss(guessed.float(), true)
        descend(self.optimiser, loss, learning_rate(self.plan, number), [self._depth_net.parameters()])
        self._average.update(self._depth_net, number)
        return {"disparity": loss.item(), "error": float((guessed.detach().float() - true).abs().mean())}

    def finish(self) -> None:
        """What is shipped is the average."""
        self._depth_net.load_state_dict(self._average.module.state_dict())
