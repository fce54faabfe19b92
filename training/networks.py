"""The networks of a run from clips to weights: what tells depth, and how a player moves."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from world_model.depth_net import DepthNet
from world_model.graphs import StartGraph, WalkGraph
from world_model.motion import Motion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from world_model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Networks:
    config: ModelConfig
    motion: Motion
    depth_net: DepthNet

    def named(self) -> dict[str, nn.Module]:
        """By the names that they have in checkpoints and shipped graphs."""
        return {"motion": self.motion, "sight": self.depth_net}

    def graphs(self) -> Mapping[str, nn.Module]:
        """By name, ready to be exported; the networks are theirs, not copied."""
        return {"start": StartGraph(self.depth_net).eval(), "walk": WalkGraph(self.motion).eval()}

    def averaged(self, averages: Mapping[str, nn.Module]) -> Networks:
        """A copy in which these networks have the weights of their averages."""
        made = copy.deepcopy(self)
        for name, module in averages.items():
            made.named()[name].load_state_dict(module.state_dict())
        return made


def make_networks(config: ModelConfig, device: torch.device) -> Networks:
    """Untrained ones; their weights are drawn from torch's own generator."""
    networks = Networks(config, Motion(config), DepthNet(config))
    for module in networks.named().values():
        # Convolutions in bf16 are faster with the channels last, on processors and GPUs alike.
        module.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - its stub forgets this form
    return networks
