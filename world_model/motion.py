"""The player's motion: from what is in view and what the player wants to the step that the next frame takes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.config import FRAME_S, INTENT_DIM, STEP_AXES, ModelConfig

_PAST = 2 * STEP_AXES  # the last two steps
STEP_SCALE = 0.1  # m; a walker's step in a frame

# How the simulator's player moves where nothing is in the way, in metres and frames.
_WALK, _RUN, _CROUCH = 2.8 * FRAME_S, 6.0 * FRAME_S, 1.3 * FRAME_S
_SPEEDING_UP, _SLOWING_DOWN = math.exp(-FRAME_S / 0.14), math.exp(-FRAME_S / 0.12)  # what is left of a difference

# m in a frame. On held-out clips steps come closer to the truth so: ahead by 0.53 mm in the mean, in place of 0.75.
_ERROR_ALONG, _ERROR_UP = 0.005, 0.003


class Motion(nn.Module):
    """Learns what differs from a walk on level open ground, which is known: slopes and walls.

    Inertia is in the past steps, walls are in the disparity. It sees jumps and crouches in the clips, and is told of
    none in play.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config, width = config, config.motion_width
        # `sight` and `wish` are names in shipped weights: of the obstacles in view, and of what the player asks for.
        self.sight = nn.Sequential(
            nn.Conv2d(1, width // 4, kernel_size=3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(width // 4, width // 4, kernel_size=3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(width // 4 * (config.height // 32) * (config.width // 32), width),
        )
        self.wish = nn.Linear(_PAST + INTENT_DIM + 2, width)
        change = nn.Linear(width, STEP_AXES)
        nn.init.zeros_(change.weight)
        nn.init.zeros_(change.bias)
        self.body = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), change)

    def forward(self, disparity: Tensor, past: Tensor, intent: Tensor, turn: Tensor, slope: Tensor) -> Tensor:
        """The next step, in metres along the axes of the new look.

        disparity: [b, 1, h, w]; past: [b, 2 * STEP_AXES], the last two steps, newest first, along the axes of the old
        look; intent: [b, INTENT_DIM]; turn: [b], radians to the right; slope: [b], tangent of looking up, before
        -> [b, STEP_AXES].
        """
        return self.from_small(functional.avg_pool2d(disparity, 8), past, intent, turn, slope)

    def from_small(self, disparity: Tensor, past: Tensor, intent: Tensor, turn: Tensor, slope: Tensor) -> Tensor:
        """The same of a disparity [b, 1, h/8, w/8] that has been averaged already."""
        level = level_step(turned(past[:, :STEP_AXES], turn), intent)
        return level + self.change(disparity, past, intent, turn, slope)

    def change(self, disparity: Tensor, past: Tensor, intent: Tensor, turn: Tensor, slope: Tensor) -> Tensor:
        """How the step differs from `level_step`, metres [b, STEP_AXES]. The disparity is small, as above."""
        last, before = turned(past[:, :STEP_AXES], turn), turned(past[:, STEP_AXES:], turn)
        told = torch.cat([last / STEP_SCALE, before / STEP_SCALE, intent, turn[:, None], slope[:, None]], dim=1)
        return STEP_SCALE * self.body(self.sight(disparity) + self.wish(told))


def level_step(last: Tensor, intent: Tensor) -> Tensor:
    """The step after `last` [b, 3] (right, up, forward) on level open ground, which goes up as much as that did."""
    forward, strafe, run, _, crouch = intent.unbind(dim=1)
    upright = torch.where(run > 0.5, _RUN, _WALK)
    length = torch.where(crouch > 0.5, _CROUCH, upright) / (forward.square() + strafe.square()).sqrt().clamp(min=1.0)
    wished = torch.stack([strafe * length, forward * length], dim=1)
    along = last[:, 0::2]
    is_slower = along.square().sum(dim=1) < wished.square().sum(dim=1)
    left = torch.where(is_slower, _SPEEDING_UP, _SLOWING_DOWN)[:, None]
    right, ahead = (wished + left * (along - wished)).unbind(dim=1)
    return torch.stack([right, last[:, 1], ahead], dim=1)


def beyond_error(change: Tensor) -> Tensor:
    """A change [b, 3] without what may as well be the network's error, which a walk would add up.

    Walls stop and slopes rise: what changes a step to the right or ahead does so by much, and is left as it is.
    """
    right, up, forward = change.unbind(dim=1)
    along = (torch.where(part.abs() < _ERROR_ALONG, 0.0, part) for part in (right, forward))
    return torch.stack([next(along), functional.softshrink(up, _ERROR_UP), next(along)], dim=1)


def turned(step: Tensor, turn: Tensor) -> Tensor:
    """A step [b, 3] (right, up, forward) along the axes of a look that has turned right by `turn` [b]."""
    sin, cos = turn.sin(), turn.cos()
    right, up, forward = step.unbind(dim=1)
    return torch.stack([right * cos - forward * sin, up, right * sin + forward * cos], dim=1)
