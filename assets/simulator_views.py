"""The shipped seeds that show simulated worlds: the world and the place of each view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SimulatorView:
    """The first view of a player who enters a world near a place (metres). No model was trained on these seeds."""

    slug: str
    title: str
    description: str
    world_seed: int
    near_x: float = 0.0
    near_z: float = 0.0


VIEWS: Final = (
    SimulatorView(
        "blossom_hill",
        "Blossom on the hill",
        "Cherry trees over a grassy rise, pink against the last clear hour of the day.",
        1_000_173,
    ),
    SimulatorView(
        "summer_grove",
        "Grove in the meadow",
        "Round green crowns at noon, deep shade beneath them and a bright slope in front.",
        1_000_162,
    ),
    SimulatorView(
        "winter_track",
        "Track in the snow",
        "A path leads past laden firs; blue shadows, thin clouds, ridges far away.",
        1_000_169,
    ),
    SimulatorView(
        "savanna_gold",
        "Savanna in the gold hour",
        "Umbrella trees and their long shade on ochre grass, a low sun in the dust.",
        1_000_148,
    ),
    SimulatorView(
        "heath_sundown",
        "Sundown over the heath",
        "Heather glows violet while the sun sets behind three small trees.",
        1_000_137,
    ),
    SimulatorView(
        "village_night",
        "Village under the stars",
        "Windows are lit across a dark meadow; red trees stand about, the sky is full.",
        1_000_187,
        near_x=14.66,
        near_z=13.82,
    ),
)
