"""DIAMOND's world model of Counter-Strike: Global Offensive, in PyTorch, from the published weights.

Alonso et al. 2024, "Diffusion for World Modeling: Visual Details Matter in Atari". A diffusion model paints the next
frame at a fifth of the size, from the last four and what the player did; a second one enlarges it.

model = load_diamond(folder, LoadOptions(device="cuda"))
state = model.begin(picture, rng_seed=7)
[state] = model.step([state], [Action(keys=frozenset({"W"}))])
state.picture
"""

from engines.diamond.actions import IDLE, Action, Key
from engines.diamond.config import DiamondConfig
from engines.diamond.errors import (
    DiamondError,
    DivergedError,
    InputError,
    ModelFolderError,
    OptionError,
)
from engines.diamond.history import Picture, WorldState
from engines.diamond.loading import LoadOptions, load_diamond
from engines.diamond.model import DiamondModel
from engines.diamond.sampling import FAST, FULL, Sampling

__all__ = [
    "FAST",
    "FULL",
    "IDLE",
    "Action",
    "DiamondConfig",
    "DiamondError",
    "DiamondModel",
    "DivergedError",
    "InputError",
    "Key",
    "LoadOptions",
    "ModelFolderError",
    "OptionError",
    "Picture",
    "Sampling",
    "WorldState",
    "load_diamond",
]
