"""Waypoint 1.5 and Waypoint 1 by Overworld, in PyTorch, from the published weights.

model = load_waypoint(model_folder, vae_folder, LoadOptions(device="cuda"))
world = WorldBatch(model).open(rng_seed=7)
world.append(picture)
frames = world.generate(Control(buttons=frozenset({0x57})))
"""

from engines.waypoint.conditioning import AttentionBias, Constants
from engines.waypoint.config import WaypointConfig
from engines.waypoint.errors import (
    DivergedError,
    InputError,
    ModelFolderError,
    NoRoomError,
    OptionError,
    WaypointError,
    WorldClosedError,
)
from engines.waypoint.inputs import IDLE, Control, Frames
from engines.waypoint.loading import LoadOptions, load_waypoint
from engines.waypoint.model import WaypointModel
from engines.waypoint.quantisation import Quantisation
from engines.waypoint.snapshot import WorldState
from engines.waypoint.worlds import Turn, World, WorldBatch, world_bytes

__all__ = [
    "IDLE",
    "AttentionBias",
    "Constants",
    "Control",
    "DivergedError",
    "Frames",
    "InputError",
    "LoadOptions",
    "ModelFolderError",
    "NoRoomError",
    "OptionError",
    "Quantisation",
    "Turn",
    "WaypointConfig",
    "WaypointError",
    "WaypointModel",
    "World",
    "WorldBatch",
    "WorldClosedError",
    "WorldState",
    "load_waypoint",
    "world_bytes",
]
