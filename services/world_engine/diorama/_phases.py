"""Endless walking: which copies of the picture the player sees, from which position, and with which weight.

A picture projected onto the ground supports only a few steps: distant parts would soon be stretched over the whole
view. So the picture is projected anew every few metres. A `Home` is the position of one such copy. Before a copy is
stretched too far, it dissolves into the next one while both move past at the player's speed. Flow-map animation does
the same over time (A. Vlachos, "Water Flow in Portal 2", SIGGRAPH 2010); here the distance walked drives it. The
backdrop has homes of its own, which change less often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.world_engine.diorama.constants import FRAME_S

if TYPE_CHECKING:
    from services.world_engine.diorama.motion import Player

# Distances on the ground, in metres. The best position is a little ahead of a copy's home, where the view magnifies the
# picture instead of extending it. A new copy is needed once the player has strayed from there.
BEST_AHEAD: Final = 0.8
STRAY: Final = 1.3
NEW_COPY_BEHIND: Final = 1.7
DISSOLVE: Final = 2.6  # metres that a dissolve takes while the player walks
DISSOLVE_S: Final = 0.9  # seconds that it takes if the player stops meanwhile

BACKDROP_STRAY: Final = 26.0
BACKDROP_NEW: Final = 6.0
BACKDROP_SHARE: Final = 0.4  # share of a step by which the backdrop comes closer
BACKDROP_REACH: Final = 5.0  # most metres by which it comes closer in all


@dataclass(frozen=True, slots=True)
class Home:
    """The position of a copy of the picture: of its ground and of its backdrop, in metres."""

    ground_x: float = 0.0
    ground_z: float = 0.0
    backdrop_x: float = 0.0
    backdrop_z: float = 0.0

    def shares_backdrop(self, other: Home) -> bool:
        return self.backdrop_x == other.backdrop_x and self.backdrop_z == other.backdrop_z

    def ground_offset(self, player: Player) -> tuple[float, float]:
        return player.x - self.ground_x, player.z - self.ground_z

    def backdrop_offset(self, player: Player) -> tuple[float, float]:
        """The player's offset as the backdrop shows it. It saturates, so that nobody walks through the backdrop."""
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
        """The opacity of the coming copy, 0 to 1."""
        return self.progress * self.progress * (3.0 - 2.0 * self.progress)


def advance_phases(phases: Phases, player: Player) -> Phases:
    """The phases one sub-frame later, after the player has moved."""
    if phases.coming is not None:
        progress = phases.progress + player.speed * FRAME_S / DISSOLVE + FRAME_S / DISSOLVE_S * _rest(player)
        return replace(phases, progress=progress) if progress < 1.0 else Phases(current=phases.coming)
    if player.speed > 0.1 and _has_strayed(phases.current, player):
        return replace(phases, coming=_next_home(phases.current, player))
    return phases


def _rest(player: Player) -> float:
    """1 for a player who stands still, 0 at 1 m/s and above."""
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
