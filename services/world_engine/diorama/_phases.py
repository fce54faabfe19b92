"""Endless walking: which copies of the picture the player sees, from where, and how strongly each.

A picture painted on the ground cannot be walked on for long: what was far is soon stretched over the whole view. So it
is laid out again every few metres. A `Home` is where one copy was laid out; the copy about to be stretched dissolves
into the next while both glide past at the player's speed, as in flow-map animation (A. Vlachos, "Water Flow in
Portal 2", SIGGRAPH 2010), but driven by the distance walked instead of time. The backdrop has its own, rarer homes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.world_engine.diorama.constants import FRAME_S

if TYPE_CHECKING:
    from services.world_engine.diorama.motion import Player

# Distances of the ground: the player is best placed a little ahead of a copy's home, where what is seen is magnified
# rather than made up; a new copy is needed once the player has strayed from there.
BEST_AHEAD: Final = 0.8
STRAY: Final = 1.3
NEW_COPY_BEHIND: Final = 1.7
DISSOLVE: Final = 2.6  # metres walked
DISSOLVE_S: Final = 0.9  # and, when the player stops half way, seconds

BACKDROP_STRAY: Final = 26.0
BACKDROP_NEW: Final = 6.0
BACKDROP_SHARE: Final = 0.4  # a step towards the backdrop counts this much
BACKDROP_REACH: Final = 5.0  # and all steps together no more than this


@dataclass(frozen=True, slots=True)
class Home:
    """Where a copy of the picture was laid out: its ground and its backdrop."""

    ground_x: float = 0.0
    ground_z: float = 0.0
    backdrop_x: float = 0.0
    backdrop_z: float = 0.0

    def shares_backdrop(self, other: Home) -> bool:
        return self.backdrop_x == other.backdrop_x and self.backdrop_z == other.backdrop_z

    def ground_offset(self, player: Player) -> tuple[float, float]:
        return player.x - self.ground_x, player.z - self.ground_z

    def backdrop_offset(self, player: Player) -> tuple[float, float]:
        """How far the player counts as having come towards the backdrop; it saturates, so nobody walks through it."""
        dx, dz = player.x - self.backdrop_x, player.z - self.backdrop_z
        share = BACKDROP_SHARE / (1.0 + BACKDROP_SHARE * math.hypot(dx, dz) / BACKDROP_REACH)
        return dx * share, dz * share


@dataclass(frozen=True, slots=True)
class Phases:
    """The copy in view and, while `progress` runs from 0 to 1, the copy that takes its place."""

    current: Home = Home()
    coming: Home | None = None
    progress: float = 0.0

    @property
    def weight(self) -> float:
        """How much of the coming copy is seen, 0 to 1."""
        return self.progress * self.progress * (3.0 - 2.0 * self.progress)


def advance_phases(phases: Phases, player: Player) -> Phases:
    """One sub-frame later, after the player has moved."""
    if phases.coming is not None:
        progress = phases.progress + player.speed * FRAME_S / DISSOLVE + FRAME_S / DISSOLVE_S * _rest(player)
        return replace(phases, progress=progress) if progress < 1.0 else Phases(current=phases.coming)
    if player.speed > 0.1 and _has_strayed(phases.current, player):
        return replace(phases, coming=_next_home(phases.current, player))
    return phases


def _rest(player: Player) -> float:
    """1 for a player who stands, 0 at walking pace."""
    return max(0.0, 1.0 - player.speed)


def _best_place(player: Player) -> tuple[float, float]:
    return BEST_AHEAD * math.sin(player.yaw), BEST_AHEAD * math.cos(player.yaw)


def _has_strayed(home: Home, player: Player) -> bool:
    (x, z), (best_x, best_z) = home.ground_offset(player), _best_place(player)
    return math.hypot(x - best_x, z - best_z) > STRAY


def _next_home(home: Home, player: Player) -> Home:
    to_x, to_z = player.vx / player.speed, player.vz / player.speed
    best_x, best_z = _best_place(player)
    ground_x = player.x - best_x + NEW_COPY_BEHIND * to_x
    ground_z = player.z - best_z + NEW_COPY_BEHIND * to_z
    if math.hypot(player.x - home.backdrop_x, player.z - home.backdrop_z) < BACKDROP_STRAY:
        return Home(ground_x, ground_z, home.backdrop_x, home.backdrop_z)
    return Home(ground_x, ground_z, player.x + BACKDROP_NEW * to_x, player.z + BACKDROP_NEW * to_z)
