"""The third stage: what the next view is, learned while living on one's own pictures.

Each step draws a batch of rollouts that are under way, learns to name the next true view from the model's own
reference, then lets the sampler make the next view and puts it back (as DIAMOND's trainer writes its outputs into the
context, Alonso et al. 2024). So the errors that training sees are the ones that play meets; none are made up. What the
model has invented cannot be the truth: it shall stay as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from training.rollouts import Rollouts
from training.stage import Averaged, descend, learning_rate, mixed_precision, step_rng
from world_model.losses import latent_loss, view_loss
from world_model.reprojection import refer
from world_model.sampler import sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor, nn

    from training.networks import Networks
    from training.presets import Preset
    from training.rollouts import Drawn
    from training.samples import Views
    from training.stage import StageName

_INVENTED: Final = 0.1  # weight of pixels that the model has made up
_DECODER_RATE: Final = 0.25  # of the dynamics' learning rate
_REFERENCE_NOISE: Final = 0.15  # standard deviations, at most, on half of the references' latents
_SINGLE_STEP: Final = 0.5  # fraction of the batches whose next views are sampled in one step
_DECAY: Final = 0.998  # of the averages, in a step


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the model is shown of the next view, and what is asked of it there."""

    reference: Tensor  # [b, 4, h, w]
    mask: Tensor  # [b, 1, h, w]
    true: Tensor  # [b, 1, h, w], how far the reference stems from the truth
    target: Tensor  # [b, 4, h, w]
    weight: Tensor  # [b, 1, h, w]


class DynamicsStage:
    name: StageName = "dynamics"

    def __init__(self, networks: Networks, preset: Preset, views: Views, device: torch.device) -> None:
        self.plan = preset.dynamics
        self._networks, self._device = networks, device
        self._rollouts = Rollouts(views, preset.pool, preset.longest_rollout, device)
        self._dynamics = Averaged(networks.dynamics, _DECAY)
        self._decoder = Averaged(networks.decoder, _DECAY)
        networks.encoder.requires_grad_(requires_grad=False)
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            [
                {"params": networks.dynamics.parameters(), "scale": 1.0},
                {"params": networks.decoder.parameters(), "scale": _DECODER_RATE},
            ],
            lr=self.plan.learning_rate,
            weight_decay=1e-2,
            betas=(0.9, 0.98),
        )

    @property
    def averages(self) -> Mapping[str, nn.Module]:
        return {"dynamics": self._dynamics.module, "decoder": self._decoder.module}

    @property
    def under_way(self) -> Mapping[str, Tensor]:
        return self._rollouts.tensors()

    def take_up(self, under_way: Mapping[str, Tensor]) -> None:
        self._rollouts.load(under_way)

    def step(self, number: int) -> dict[str, float]:
        rng, networks = step_rng(self.name, number), self._networks
        drawn = self._rollouts.draw(self.plan.batch, min(1.0, 2.0 * number / self.plan.steps), rng)
        seen = self._seen(drawn)
        with mixed_precision(self._device):
            latents, made = self._losing(drawn, seen, rng)
        views = view_loss(made, seen.target, seen.weight)
        clipped = [networks.dynamics.parameters(), networks.decoder.parameters()]
        descend(self.optimiser, latents + views, learning_rate(self.plan, number), clipped)
        self._dynamics.update(networks.dynamics, number)
        self._decoder.update(networks.decoder, number)
        self._rollouts.advance(drawn, made.detach(), seen.true, rng)
        return {
            "latents": latents.item(),
            "views": views.item(),
            "psnr": _psnr(made.detach(), drawn.truth, seen.weight),
            "age": float(self._rollouts.ages[drawn.rows].mean()),
            "truth": float(seen.true.mean()),
        }

    def finish(self) -> None:
        """What is shipped is the average."""
        self._networks.dynamics.load_state_dict(self._dynamics.module.state_dict())
        self._networks.decoder.load_state_dict(self._decoder.module.state_dict())

    def _seen(self, drawn: Drawn) -> _Seen:
        views = torch.stack([drawn.anchor, drawn.now])
        relative_poses = torch.stack([drawn.anchor_relative_pose, drawn.relative_pose])
        seen, mask = refer(self._networks.config, views, relative_poses)
        reference, true = seen[:, :4], seen[:, 4:] * mask
        told = torch.maximum(true, 1.0 - mask)
        return _Seen(reference, mask, true, reference.lerp(drawn.truth, told), told.clamp(min=_INVENTED))

    def _losing(self, drawn: Drawn, seen: _Seen, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The loss of the latents, and the next views [b, 4, h, w] as play would make them."""
        networks = self._networks
        with torch.no_grad():
            clean = networks.encoder(seen.target).float()
            context = _shaken(networks.encoder(seen.reference).float())
        level = _levels(drawn.count, rng).to(self._device)
        noisy = clean.lerp(torch.randn_like(clean), level[:, None, None, None])
        x0_pred = networks.dynamics(noisy, level, context, seen.mask, drawn.relative_pose).float()
        loss = latent_loss(x0_pred, clean, functional.avg_pool2d(seen.weight, 8))
        with torch.no_grad():
            steps = 1 if rng.random() < _SINGLE_STEP else 2
            noise = torch.randn_like(clean)
            sampled = sample(networks.dynamics.given(context, seen.mask, drawn.relative_pose), noise, steps)
        return loss, networks.decoder(sampled, seen.reference, seen.mask).float()


def _shaken(context: Tensor) -> Tensor:
    """Latents of references [b, c, h/8, w/8], half of them with some noise."""
    one = context[:, :1, :1, :1]
    extent = _REFERENCE_NOISE * torch.rand_like(one) * (torch.rand_like(one) < 0.5)
    return context + extent * torch.randn_like(context)


def _levels(count: int, rng: np.random.Generator) -> Tensor:
    """Noise levels [count]: more than half of them where the sampler asks."""
    levels = rng.uniform(0.15, 1.0, count)
    kind = rng.random(count)
    levels[kind < 0.4] = 1.0
    levels[(kind >= 0.4) & (kind < 0.6)] = 0.5
    return torch.as_tensor(levels).float()


def _psnr(made: Tensor, truth: Tensor, weight: Tensor) -> float:
    """Of the colours, dB."""
    error = ((made - truth)[:, :3].square() * weight).mean(dim=(1, 2, 3)) / weight.mean(dim=(1, 2, 3))
    return -10.0 * float(error.mean().log10())
