"""The networks of a run."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from world_model.autoencoder import Decoder, Encoder
from world_model.depth_net import DepthNet
from world_model.dynamics import Dynamics
from world_model.graphs import graphs_of
from world_model.motion import Motion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from world_model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Networks:
    config: ModelConfig
    encoder: Encoder
    decoder: Decoder
    dynamics: Dynamics
    motion: Motion
    depth_net: DepthNet

    def named(self) -> dict[str, nn.Module]:
        """By the names that they have in checkpoints and shipped graphs."""
        return {
            "encoder": self.encoder,
            "decoder": self.decoder,
            "dynamics": self.dynamics,
            "motion": self.motion,
            "sight": self.depth_net,
        }

    def graphs(self) -> Mapping[str, nn.Module]:
        """What play runs, by name, ready to be exported."""
        graphs = graphs_of(self.config, self.encoder, self.decoder, self.dynamics, self.motion, self.depth_net)
        return {name: graph.eval() for name, graph in graphs.items()}

    def averaged(self, averages: Mapping[str, nn.Module]) -> Networks:
        """A copy in which these networks have the weights of their averages."""
        made = copy.deepcopy(self)
        for name, module in averages.items():
            made.named()[name].load_state_dict(module.state_dict())
        return made


def make_networks(config: ModelConfig, device: torch.device) -> Networks:
    """Untrained ones; their weights are drawn from torch's own generator."""
    networks = Networks(config, Encoder(config), Decoder(config), Dynamics(config), Motion(config), DepthNet(config))
    for module in networks.named().values():
        # Convolutions in bf16 are faster with the channels last, on processors and GPUs alike.
        module.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - its stub forgets this form
    return networks
