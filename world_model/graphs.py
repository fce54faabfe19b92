"""The model as graphs, each a function of arrays: what is exported, and what play runs.

Views are bytes here. Sizes are batch 1: worlds are stepped one by one.

| graph | inputs | outputs |
| --- | --- | --- |
| start | picture u8 [h, w, 3] | view u8 [4, h, w] |
| walk | view, past [6], intent [5], turn [1], slope [1], sure [1] | step [3] |
| see | picture u8 [h, w, 3], slope [1] | rgba u8 [LAYERS, h, w, 4], relief [LAYERS, h / 8, w / 8] |
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from world_model.config import DISPARITY, INTENT_DIM, STEP_AXES
from world_model.motion import beyond_error, level_step, turned
from world_model.scene import compose, hidden_pictures, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from world_model.config import ModelConfig
    from world_model.depth_net import DepthNet
    from world_model.motion import Motion
    from world_model.scene_net import SceneNet

# Alphas that are neither 0 nor 1 are fog, which each keyframe adds to, and are drawn twice. Beyond this, trees fray.
SHARPENED: Final = 2.0
_MOST_LOGIT: Final = 8.0  # a graph takes the log of a sigmoid, which ONNX Runtime knows to 1e-7


class StartGraph(nn.Module):
    """A picture with the disparity that the depth network predicts."""

    def __init__(self, depth_net: DepthNet) -> None:
        super().__init__()
        self.sight = depth_net  # the name that its parameters have in shipped graphs

    def forward(self, picture: Tensor) -> Tensor:
        colours = picture.permute(2, 0, 1)[None].float() / 255.0
        return _bytes(torch.cat([colours, self.sight(colours)], dim=1))[0]


class WalkGraph(nn.Module):
    """The step that the player takes, from what is in view and what the player asks for.

    `sure` is 1, or 0 where the view says nothing: then the ground is level and open.
    """

    def __init__(self, motion: Motion) -> None:
        super().__init__()
        self.motion = motion

    def forward(self, view: Tensor, past: Tensor, intent: Tensor, turn: Tensor, slope: Tensor, sure: Tensor) -> Tensor:
        disparity = functional.avg_pool2d(view[None, DISPARITY:].float() / 255.0, 8)
        change = self.motion.change(disparity, past[None], intent[None], turn, slope)
        level = level_step(turned(past[None, :STEP_AXES], turn), intent[None])
        return (level + sure * beyond_error(change))[0]


class SeeGraph(nn.Module):
    """A picture as soft layers."""

    def __init__(self, scene_net: SceneNet, *, sharpened: float = SHARPENED) -> None:
        super().__init__()
        self.scene_net, self._sharpened = scene_net, sharpened

    def forward(self, picture: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        colours = picture.permute(2, 0, 1)[None].float() / 255.0
        raw = self.scene_net(colours, slope)
        logits = (self._sharpened * raw.alpha_logits).clamp(-_MOST_LOGIT, _MOST_LOGIT)
        parts = parts_of(raw._replace(alpha_logits=logits))
        scene = compose(colours, hidden_pictures(colours, parts), parts)
        rgba = torch.cat([scene.colour, scene.alpha[:, :, None]], dim=2)[0].permute(0, 2, 3, 1)
        return _bytes(rgba), scene.relief[0]


def example_inputs(config: ModelConfig, rng: torch.Generator) -> Mapping[str, Mapping[str, Tensor]]:
    """Inputs of each graph by name: random, of the right shapes."""
    h, w = config.height, config.width
    picture = torch.randint(0, 256, (h, w, 3), dtype=torch.uint8, generator=rng)
    return {
        "start": {"picture": picture},
        "walk": {
            "view": torch.randint(0, 256, (4, h, w), dtype=torch.uint8, generator=rng),
            "past": 0.1 * torch.randn(2 * STEP_AXES, generator=rng),
            "intent": torch.rand(INTENT_DIM, generator=rng),
            "turn": 0.1 * torch.randn(1, generator=rng),
            "slope": 0.1 * torch.randn(1, generator=rng),
            "sure": torch.ones(1),
        },
        "see": {"picture": picture, "slope": 0.1 * torch.randn(1, generator=rng)},
    }


OUTPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"start": ("view",), "walk": ("step",), "see": ("rgba", "relief")}
)


def _bytes(colours: Tensor) -> Tensor:
    return (colours.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
