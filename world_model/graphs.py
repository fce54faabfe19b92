"""The model as five graphs, each a function of arrays: what is exported, and what play runs.

Views are bytes here, so that a world's state is small and exact. Sizes are batch 1: worlds are stepped one by one.

| graph | inputs | outputs |
| --- | --- | --- |
| start | picture u8 [h, w, 3] | view u8 [4, h, w] |
| walk | view, past [6], intent [5], turn [1], slope [1] | step [3] |
| encode_context | views u8 [n, 4, h, w], relative_poses [n, 6] | context, reference [4, h, w], mask [1, h, w] |
| denoise | noisy, level [1], context, mask, relative_pose [6] | clean latents |
| decode | latents, reference, mask | view u8 [4, h, w], picture u8 [h, w, 3] |

Latents, noisy or clean, and the context are [c, h/8, w/8]; the number n of views is free.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from world_model.config import DISPARITY, INTENT_DIM, RELATIVE_POSE_DIM, STEP_AXES
from world_model.reprojection import refer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from world_model.autoencoder import Decoder, Encoder
    from world_model.config import ModelConfig
    from world_model.depth_net import DepthNet
    from world_model.dynamics import Dynamics
    from world_model.motion import Motion


class StartGraph(nn.Module):
    """A picture with the disparity that the depth network predicts."""

    def __init__(self, depth_net: DepthNet) -> None:
        super().__init__()
        self.sight = depth_net  # the name that its parameters have in shipped graphs

    def forward(self, picture: Tensor) -> Tensor:
        colours = picture.permute(2, 0, 1)[None].float() / 255.0
        return _bytes(torch.cat([colours, self.sight(colours)], dim=1))[0]


class WalkGraph(nn.Module):
    """The step that the player takes, from what is in view and what the player asks for."""

    def __init__(self, motion: Motion) -> None:
        super().__init__()
        self.motion = motion

    def forward(self, view: Tensor, past: Tensor, intent: Tensor, turn: Tensor, slope: Tensor) -> Tensor:
        disparity = view[None, DISPARITY:].float() / 255.0
        return self.motion(disparity, past[None], intent[None], turn, slope)[0]


class EncodeContextGraph(nn.Module):
    """What some views show of the next one, and its latents: the context that the next view is denoised with."""

    def __init__(self, config: ModelConfig, encoder: Encoder) -> None:
        super().__init__()
        self.config, self.encoder = config, encoder

    def forward(self, views: Tensor, relative_poses: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        reference, mask = refer(self.config, views[:, None].float() / 255.0, relative_poses[:, None])
        return self.encoder(reference)[0], reference[0], mask[0]


class DenoiseGraph(nn.Module):
    """The clean latents, as far as they can be told at a noise level; the sampler asks once or more."""

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__()
        self.dynamics = dynamics

    def forward(self, noisy: Tensor, level: Tensor, context: Tensor, mask: Tensor, relative_pose: Tensor) -> Tensor:
        return self.dynamics(noisy[None], level, context[None], mask[None], relative_pose[None])[0]


class DecodeGraph(nn.Module):
    """The next view, and the picture in it as a player sees it."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, latents: Tensor, reference: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        view = _bytes(self.decoder(latents[None], reference[None], mask[None]))[0]
        return view, view[:DISPARITY].permute(1, 2, 0)


def graphs_of(
    config: ModelConfig, encoder: Encoder, decoder: Decoder, dynamics: Dynamics, motion: Motion, depth_net: DepthNet
) -> Mapping[str, nn.Module]:
    """All graphs by name; the networks are theirs, not copied."""
    return {
        "start": StartGraph(depth_net),
        "walk": WalkGraph(motion),
        "encode_context": EncodeContextGraph(config, encoder),
        "denoise": DenoiseGraph(dynamics),
        "decode": DecodeGraph(decoder),
    }


def example_inputs(config: ModelConfig, rng: torch.Generator) -> Mapping[str, Mapping[str, Tensor]]:
    """Inputs of each graph by name: random, of the right shapes."""
    h, w = config.height, config.width
    views = torch.randint(0, 256, (3, 4, h, w), dtype=torch.uint8, generator=rng)
    latents, mask = torch.randn(config.latent_shape, generator=rng), torch.rand(1, h, w, generator=rng).round()
    relative_poses = 0.1 * torch.randn(3, RELATIVE_POSE_DIM, generator=rng)
    reference = torch.rand(4, h, w, generator=rng)
    return {
        "start": {"picture": torch.randint(0, 256, (h, w, 3), dtype=torch.uint8, generator=rng)},
        "walk": {
            "view": views[0],
            "past": 0.1 * torch.randn(2 * STEP_AXES, generator=rng),
            "intent": torch.rand(INTENT_DIM, generator=rng),
            "turn": 0.1 * torch.randn(1, generator=rng),
            "slope": 0.1 * torch.randn(1, generator=rng),
        },
        "encode_context": {"views": views, "relative_poses": relative_poses},
        "denoise": {
            "noisy": latents,
            "level": torch.ones(1),
            "context": latents,
            "mask": mask,
            "relative_pose": relative_poses[0],
        },
        "decode": {"latents": latents, "reference": reference, "mask": mask},
    }


FREE_AXES: Mapping[str, Mapping[str, Mapping[int, str]]] = MappingProxyType(
    {
        "encode_context": MappingProxyType(
            {"views": MappingProxyType({0: "n"}), "relative_poses": MappingProxyType({0: "n"})}
        )
    }
)
OUTPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "start": ("view",),
        "walk": ("step",),
        "encode_context": ("context", "reference", "mask"),
        "denoise": ("clean",),
        "decode": ("view", "picture"),
    }
)


def _bytes(view: Tensor) -> Tensor:
    return (view.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
