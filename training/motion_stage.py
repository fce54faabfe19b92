"""The first stage: how a player's step follows from the last steps, the keys and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional

from training.clips import ACTION_FIELDS
from training.samples import relative_poses_between
from training.stage import descend, learning_rate, step_rng
from world_model.config import INTENT_DIM, STEP_AXES
from world_model.losses import step_loss
from world_model.motion import turned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from training.networks import Networks
    from training.presets import StagePlan
    from training.samples import Views
    from training.stage import StageName
    from world_model.config import ModelConfig

_STALE: Final = (0.003, 0.002, 0.003)  # m, noise on past steps: in play they are the network's own
_LIFT: Final = 0.6  # m: how far an eye is put too high or too low, at most
_RECOVERY: Final = 4.0  # m of walking in which most of that is to be made up: about as far ahead as the ground is seen
_LEAST_HEIGHT: Final = 0.4  # m below the eye, from where on a thing counts as ground
_INTENT_FIELDS: Final = ("forward", "strafe", "run", "jump", "crouch")


class MotionStage:
    """Learns from poses and small maps of disparity alone, all of which are in memory."""

    name: StageName = "motion"

    def __init__(self, networks: Networks, plan: StagePlan, views: Views, device: torch.device) -> None:
        self.plan = plan
        self._motion, self._device = networks.motion, device
        self._clips, self._length = len(views.store), views.store.length
        self._steps, self._turns, self._slopes = _steps_of(views)
        self._intents = torch.as_tensor(intents_of(views.store.actions))
        self._disparity = _small_disparity(views)
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            self._motion.parameters(), lr=plan.learning_rate, weight_decay=1e-3
        )

    @property
    def averages(self) -> Mapping[str, nn.Module]:
        return {}

    def step(self, number: int) -> dict[str, float]:
        rng = step_rng(self.name, number)
        clips = rng.integers(self._clips, size=self.plan.batch)
        frames = rng.integers(3, self._length, size=self.plan.batch)
        older = turned(self._steps[clips, frames - 2], self._turns[clips, frames - 1])
        past = torch.cat([self._steps[clips, frames - 1], older], dim=1)
        past = past + torch.as_tensor(rng.standard_normal(past.shape) * np.tile(_STALE, 2)).float()
        lift = torch.as_tensor(rng.uniform(-_LIFT, _LIFT, self.plan.batch)).float()
        disparity = self._disparity[clips, frames - 1].float()[:, None] / 255.0
        disparity = lifted(disparity, lift, self._slopes[clips, frames - 1], self._motion.config)
        taken = self._steps[clips, frames].clone()
        taken[:, 1] -= lift * torch.hypot(taken[:, 0], taken[:, 2]) / _RECOVERY
        predicted = self._motion.from_small(
            disparity.to(self._device),
            past.to(self._device),
            self._intents[clips, frames].to(self._device),
            self._turns[clips, frames].to(self._device),
            self._slopes[clips, frames - 1].to(self._device),
        )
        loss = step_loss(predicted, taken.to(self._device))
        descend(self.optimiser, loss, learning_rate(self.plan, number))
        return {"steps": loss.item(), "step_error_cm": 100.0 * (predicted.cpu() - taken).abs().mean().item()}

    def finish(self) -> None:
        """Nothing to add."""


def lifted(disparity: Tensor, lift: Tensor, slope: Tensor, config: ModelConfig) -> Tensor:
    """What disparity [b, 1, h/8, w/8] would be from an eye higher by `lift` [b] metres, looking up by `slope` [b]: the
    ground lies farther off. A walker never sees that in the clips, and without it never comes back to the ground."""
    rows, columns = disparity.shape[2:]
    down = (8.0 * (torch.arange(rows) + 0.5) - 0.5 * config.height) / config.focal
    aside = (8.0 * (torch.arange(columns) + 0.5) - 0.5 * config.width) / config.focal
    below = (down[None, None, :, None] - slope[:, None, None, None]) / torch.sqrt(1.0 + aside**2)
    distance = 1.0 / disparity.clamp(min=1e-3) - 1.0
    height = distance * below
    grown = ((height + lift[:, None, None, None]) / height.clamp(min=_LEAST_HEIGHT)).clamp(min=0.1)
    return torch.where((height > _LEAST_HEIGHT) & (disparity > 2e-3), 1.0 / (1.0 + distance * grown), disparity)


def intents_of(actions: NDArray[np.float32]) -> NDArray[np.float32]:
    """[..., INTENT_DIM] of actions [..., 7] by ACTION_FIELDS."""
    intent = np.stack([actions[..., ACTION_FIELDS.index(name)] for name in _INTENT_FIELDS], axis=-1)
    assert intent.shape[-1] == INTENT_DIM
    return intent.astype(np.float32)


def _steps_of(views: Views) -> tuple[Tensor, Tensor, Tensor]:
    """Of each frame the step that led to it, along its own axes, and the turn; and the tangent of looking up.

    Steps [clips, L, 3], turns [clips, L], both zero for a clip's first frame, and slopes [clips, L].
    """
    poses = views.store.poses
    clips, length, _ = poses.shape
    before, after = poses[:, :-1].reshape(-1, 5), poses[:, 1:].reshape(-1, 5)
    relative_poses = relative_poses_between(before, after).reshape(clips, length - 1, -1)
    steps = turned(relative_poses[..., :STEP_AXES].flatten(0, 1), relative_poses[..., STEP_AXES].flatten()).reshape(
        clips, length - 1, -1
    )
    turns = functional.pad(relative_poses[..., STEP_AXES], (1, 0))
    return functional.pad(steps, (0, 0, 1, 0)), turns, torch.as_tensor(np.tan(poses[..., 4])).float()


def _small_disparity(views: Views) -> Tensor:
    """Disparity of all frames at an eighth of the size, bytes [clips, L, h/8, w/8]."""
    clips: list[Tensor] = []
    for clip in range(len(views.store)):
        disparity = torch.as_tensor(np.ascontiguousarray(views.store.frames(clip)[..., 3]))
        full = functional.interpolate(disparity[:, None].float(), size=views.size, mode="area")
        clips.append(functional.avg_pool2d(full, 8)[:, 0].round().byte())
    return torch.stack(clips)
