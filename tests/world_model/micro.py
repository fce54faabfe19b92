"""Tiny networks with random weights, and what ships of them: for tests of what plays, not of what it looks like.

`micro_weights(folder)` takes a second or two; in a test ask for the fixture `micro_folder` (one folder for a whole
session, read-only) and copy it before you damage it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from training.export import export, export_scene
from training.networks import Networks, make_networks
from training.stage import seed_torch
from world_model.config import MICRO
from world_model.scene_net import SceneNet

if TYPE_CHECKING:
    from pathlib import Path


def micro_networks(seed: int = 0) -> Networks:
    """Networks of the size `MICRO`, untrained, none of whose layers is all zero: every input shows in the output."""
    with torch.no_grad():
        seed_torch(seed)
        networks = make_networks(MICRO, torch.device("cpu"))
        for module in networks.named().values():
            for parameter in module.eval().parameters():
                if not parameter.any():
                    parameter.normal_(0.0, 0.05)
    return networks


def micro_weights(folder: Path, *, seed: int = 0) -> Path:
    """Export `micro_networks` and `micro_scene_net` to `folder` as `world_model.runtime.load_runtime` reads them;
    returns the folder."""
    export(micro_networks(seed), folder)
    export_scene(micro_scene_net(seed), folder)
    return folder


def micro_scene_net(seed: int = 0) -> SceneNet:
    """Untrained, of the size `MICRO`, with something in every layer: a new network has nearly all in the sky."""
    with torch.no_grad():
        seed_torch(seed)
        network = SceneNet(MICRO).eval()
        network.alpha_out.get_parameter("bias").fill_(-1.0)
        return network
