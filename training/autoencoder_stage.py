"""The first stage: views to latents and back, with and without a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from training.read_ahead import ReadAhead
from training.samples import colour_mixes, recoloured
from training.stage import descend, learning_rate, mixed_precision, step_rng
from world_model.autoencoder import normalise, without_disparity
from world_model.losses import view_loss
from world_model.reprojection import reproject

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor, nn

    from training.networks import Networks
    from training.presets import StagePlan
    from training.samples import Paintings, Views
    from training.stage import StageName

_PAINTED: Final = 0.12  # fraction of a batch that is not from the simulator
_BLIND: Final = 0.25  # fraction of views whose disparity the encoder is not told
_REFERRED: Final = 0.5  # fraction that is decoded with a reference
_LATENT_NOISE: Final = 0.05  # standard deviations; makes the decoder forgiving
_LATENT_WEIGHT: Final = 1e-4  # keeps latents of a size
_LONGEST_GAP: Final = 12  # frames between a reference and its view
_MEASURED_ON: Final = 24  # batches that the statistics of the latents are taken from


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A batch as it is read: n views of the simulator and p paintings, b of both."""

    views: Tensor  # bytes [2n, 4, h, w], all to be learned and then all that references are made from
    relative_pose: Tensor  # [n, RELATIVE_POSE_DIM] from those to these
    view_mixes: Tensor  # [n, 3, 3]
    paintings: Tensor  # bytes [p, 4, h, w]
    painting_mixes: Tensor  # [p, 3, 3]
    referred: Tensor  # bool [b]
    blind: Tensor  # bool [b]


@dataclass(frozen=True, slots=True)
class _Batch:
    truth: Tensor  # [b, 4, h, w]
    reference: Tensor  # [b, 4, h, w]
    mask: Tensor  # [b, 1, h, w]
    measured: Tensor  # bool [b, 1, 1, 1], whether the disparity in `truth` is one
    blind: Tensor  # bool [b, 1, 1, 1]


class AutoencoderStage:
    name: StageName = "autoencoder"

    def __init__(
        self, networks: Networks, plan: StagePlan, views: Views, paintings: Paintings, device: torch.device
    ) -> None:
        self.plan = plan
        self._networks, self._views, self._paintings, self._device = networks, views, paintings, device
        self._trained = [*networks.encoder.parameters(), *networks.decoder.parameters()]
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            self._trained, lr=plan.learning_rate, weight_decay=1e-4, betas=(0.9, 0.98)
        )
        self._drawn_of = ReadAhead(self._draw_step) if views.workers else self._draw_step

    @property
    def averages(self) -> Mapping[str, nn.Module]:
        return {}

    @property
    def under_way(self) -> Mapping[str, Tensor]:
        return {}

    def take_up(self, under_way: Mapping[str, Tensor]) -> None:
        """A step depends on no other."""

    def step(self, number: int) -> dict[str, float]:
        batch = self._batch(self._drawn_of(number))
        truth = batch.truth
        with mixed_precision(self._device):
            shown = torch.where(batch.blind | ~batch.measured, without_disparity(truth), truth)
            latents = self._networks.encoder(shown)
            spread = latents.detach().float().std(dim=(0, 2, 3), keepdim=True)
            noisy = latents + _LATENT_NOISE * spread * torch.randn_like(latents)
            made = self._networks.decoder(noisy, batch.reference, batch.mask).float()
        # Nothing is asked of the disparity of a painting.
        made = torch.cat([made[:, :3], torch.where(batch.measured, made[:, 3:], truth[:, 3:])], dim=1)
        views = view_loss(made, truth, torch.ones_like(batch.mask))
        loss = views + _LATENT_WEIGHT * latents.float().square().mean()
        descend(self.optimiser, loss, learning_rate(self.plan, number), [self._trained])
        return {"views": views.item(), "colour_error": (made - truth)[:, :3].abs().mean().item()}

    @torch.no_grad()
    def finish(self) -> None:
        """Give the latents unit variance."""
        encoder, rng = self._networks.encoder, step_rng(self.name, self.plan.steps)
        batches: list[Tensor] = []
        for _ in range(_MEASURED_ON):
            latents: Tensor = encoder(self._batch(self._draw(rng)).truth)
            batches.append(latents.transpose(0, 1).flatten(1))
        values = torch.cat(batches, dim=1)  # [c, all places]
        normalise(encoder, self._networks.decoder, values.mean(dim=1), values.std(dim=1))

    def _draw_step(self, number: int) -> _Drawn:
        return self._draw(step_rng(self.name, number))

    def _draw(self, rng: np.random.Generator) -> _Drawn:
        store, painted = self._views.store, max(1, int(_PAINTED * self.plan.batch))
        count = self.plan.batch - painted
        gaps: list[int] = rng.integers(1, min(_LONGEST_GAP + 1, store.length), count).tolist()
        after = [(int(rng.integers(len(store))), int(rng.integers(gap, store.length))) for gap in gaps]
        before = [(clip, frame - gap) for (clip, frame), gap in zip(after, gaps, strict=True)]
        return _Drawn(
            views=self._views.batch([*after, *before]),
            relative_pose=self._views.relative_poses(before, after),
            view_mixes=colour_mixes(count, rng),
            paintings=self._paintings.batch(painted, rng),
            painting_mixes=colour_mixes(painted, rng),
            referred=torch.as_tensor(rng.random(self.plan.batch) < _REFERRED),
            blind=torch.as_tensor(rng.random(self.plan.batch) < _BLIND),
        )

    def _batch(self, drawn: _Drawn) -> _Batch:
        """What was read, on the device, in 0..1."""
        device = self._device
        views = recoloured(drawn.views.to(device).float() / 255.0, drawn.view_mixes.to(device).repeat(2, 1, 1))
        truth, old = views.chunk(2)
        reference, mask = reproject(self._networks.config, old, drawn.relative_pose.to(device))
        paintings = recoloured(drawn.paintings.to(device).float() / 255.0, drawn.painting_mixes.to(device))
        mask = torch.cat([mask, torch.zeros_like(paintings[:, :1])])
        mask = mask * drawn.referred.to(device)[:, None, None, None]
        return _Batch(
            truth=torch.cat([truth, paintings]),
            reference=torch.cat([reference, paintings]) * mask,
            mask=mask,
            measured=(torch.arange(len(mask), device=device) < len(truth))[:, None, None, None],
            blind=drawn.blind.to(device)[:, None, None, None],
        )
