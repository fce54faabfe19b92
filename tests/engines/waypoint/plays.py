"""Things to play with: pictures, controls and noise, the same at every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from engines.waypoint import Control, LoadOptions, WaypointModel, load_waypoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.waypoint import Constants, Frames, World
    from tests.engines.waypoint.conftest import Folders


def load(folders: Folders, constants: Constants = "exact") -> WaypointModel:
    return load_waypoint(folders.model, folders.vae, LoadOptions(dtype=torch.float32, constants=constants))


def pictures(count: int, seed: int) -> Frames:
    """Of a size that no model takes without resizing."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 6, 10, 3), dtype=np.uint8)
    return coarse.repeat(15, axis=1).repeat(16, axis=2)


def noise(model: WaypointModel, seed: int) -> torch.Tensor:
    return torch.randn(model.config.latent_shape, generator=torch.Generator().manual_seed(seed))


def control(seed: int) -> Control:
    rng = np.random.default_rng(seed)
    buttons = frozenset(rng.integers(0, 256, seed % 4).tolist())
    return Control(buttons, float(rng.normal()), float(rng.normal()), float(seed % 3 - 1))


def prompt(width: int, seed: int = 0, tokens: int = 7) -> torch.Tensor:
    """Its last two tokens are padding, which text encoders leave at zero."""
    embedding = torch.randn(tokens, width, generator=torch.Generator().manual_seed(seed))
    embedding[-2:] = 0.0
    return embedding


def opened(model: WaypointModel, world: World, seed: int = 0) -> World:
    """The world, with a prompt if it needs one, gone on from a picture."""
    if width := model.config.prompt_embedding_dim:
        world.set_prompt(prompt(width, seed))
    world.append(pictures(1, seed))
    return world


def latents_of(world: World, seeds: Sequence[int]) -> list[torch.Tensor]:
    """What the world makes of its own noise and these controls."""
    made: list[torch.Tensor] = []
    for seed in seeds:
        world.generate(control(seed))
        assert world.latent is not None
        made.append(world.latent.clone())
    return made


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Root of the mean square of the difference, relative to `other`."""
    return float((one - other).pow(2).mean().sqrt() / other.pow(2).mean().sqrt())
