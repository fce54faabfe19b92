"""Serialises the state of a diorama world: a version byte, a flag, little-endian doubles, and the cut of its things."""

from __future__ import annotations

import math
import struct
from dataclasses import astuple
from typing import Final

from services.world_engine.diorama._cut import NOTHING, Cut
from services.world_engine.diorama._phases import Home, Phases
from services.world_engine.diorama.motion import Player
from services.world_engine.world_engine import SnapshotMismatchError

_VERSION: Final = 1
_PLAYER_FIELDS: Final = 13
_HOME_FIELDS: Final = 4
# version, whether a copy is coming, player, current home, coming home, progress
_LAYOUT: Final = struct.Struct(f"<B?{_PLAYER_FIELDS + 2 * _HOME_FIELDS + 1}d")


def pack_state(player: Player, phases: Phases, cut: Cut = NOTHING) -> bytes:
    """The state, with `cut` in it unless it is `NOTHING`.

    What a depth network says may differ from machine to machine in the last bits, so a cut travels with its world.
    """
    coming = phases.coming or Home()
    numbers = _LAYOUT.pack(
        _VERSION,
        phases.coming is not None,
        *astuple(player),
        *astuple(phases.current),
        *astuple(coming),
        phases.progress,
    )
    return numbers if cut is NOTHING else numbers + cut.pack()


def unpack_state(state: bytes, *, has_cut: bool = False) -> tuple[Player, Phases, Cut]:
    """The inverse of `pack_state`.

    Raises:
        SnapshotMismatchError: the bytes are not a valid state of this version.
    """
    numbers_only = len(state) == _LAYOUT.size
    if len(state) < _LAYOUT.size or state[0] != _VERSION or not (has_cut or numbers_only):
        raise SnapshotMismatchError("The snapshot's state was not written by this version of the diorama.")
    _, has_coming, *numbers = _LAYOUT.unpack(state[: _LAYOUT.size])
    if not all(math.isfinite(number) for number in numbers):
        raise SnapshotMismatchError("The snapshot's state is damaged: it contains a number that is not finite.")
    after_player, after_current = _PLAYER_FIELDS, _PLAYER_FIELDS + _HOME_FIELDS
    coming = Home(*numbers[after_current : after_current + _HOME_FIELDS]) if has_coming else None
    player = Player(*numbers[:after_player])
    phases = Phases(Home(*numbers[after_player:after_current]), coming, numbers[-1])
    if not _is_plausible(player, phases):
        raise SnapshotMismatchError("The snapshot's state is damaged: it describes an impossible player.")
    return player, phases, NOTHING if numbers_only else Cut.unpack(state[_LAYOUT.size :])


def _is_plausible(player: Player, phases: Phases) -> bool:
    """Whether the renderer can draw the state in float32. The bounds are wider than any state that play leads to."""
    homes = (phases.current, phases.coming) if phases.coming else (phases.current,)
    return (
        max(abs(value) for value in astuple(player)) < 1e9
        and 0.0 <= player.lift < 10.0
        and 0.0 <= player.crouch <= 1.0
        and 0.0 <= phases.progress <= 1.0
        and all(math.hypot(*home.ground_offset(player)) < 100.0 for home in homes)
    )
