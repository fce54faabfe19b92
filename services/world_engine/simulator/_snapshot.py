"""Serialises the state of a simulator world: a version byte, the world's origin and the player's doubles."""

from __future__ import annotations

import math
import struct
from dataclasses import astuple, fields
from typing import Final

from services.world_engine.simulator._origin import Origin
from services.world_engine.world_engine import SnapshotMismatchError
from simulator.player import PITCH_LIMIT, PlayerState

_VERSION: Final = 1
_LAYOUT: Final = struct.Struct(f"<BQ3d{len(fields(PlayerState))}d")
_FARTHEST: Final = 1e8  # m; more than a year of walking


def pack_state(origin: Origin, player: PlayerState) -> bytes:
    return _LAYOUT.pack(_VERSION, *astuple(origin), *astuple(player))


def unpack_state(state: bytes) -> tuple[Origin, PlayerState]:
    """The inverse of `pack_state`.

    Raises:
        SnapshotMismatchError: the bytes are not a valid state of this version.
    """
    if len(state) != _LAYOUT.size or state[0] != _VERSION:
        raise SnapshotMismatchError("The snapshot's state was not written by this version of the simulator.")
    _, number, *values = _LAYOUT.unpack(state)
    origin, player = Origin(number, *values[:3]), PlayerState(*values[3:])
    if not all(math.isfinite(value) for value in values) or not _is_plausible(player):
        raise SnapshotMismatchError("The snapshot's state is damaged: it describes an impossible player.")
    return origin, player


def _is_plausible(player: PlayerState) -> bool:
    return (
        max(abs(value) for value in astuple(player)) < _FARTHEST
        and abs(player.yaw) <= math.pi
        and abs(player.pitch) <= PITCH_LIMIT
        and 0.0 <= player.crouch <= 1.0
        and player.in_air in (0.0, 1.0)
    )
