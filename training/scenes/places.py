"""Walks through rooms and streets, beside those through landscapes."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.config import WorldConfig
from simulator.place_renderer import PlaceRenderer
from simulator.places import advance_in, start_in
from simulator.rooms import make_room
from simulator.streets import make_street
from simulator.world import make_world
from training.policies import POLICIES, draw_policy
from training.recorder import FIRST_HELDOUT_SEED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.places import Place
    from simulator.player import PlayerState
    from training.recorder import Split

_SALTS: Final[Mapping[Split, int]] = MappingProxyType({"train": 0xB017, "heldout": 0xB018})
_TRIES: Final = 4
_GLANCES: Final = 5  # at each try
_IN_THE_FACE_M: Final = 2.0
_SOME_IN_THE_FACE: Final = 0.15
_GLANCE: Final = WorldConfig(height=18, width=32, supersample=1)
_MOST_LEAD: Final = 60  # frames that are walked before the first view


def place_of(split: Split, walk: int, config: WorldConfig) -> Place:
    """The room or street of a walk, a function of the arguments alone."""
    rng = np.random.default_rng([walk, _SALTS[split], 0])
    seed = walk + (FIRST_HELDOUT_SEED if split == "heldout" else 0)
    make = make_room if rng.random() < 0.55 else make_street
    return make(make_world(seed, config), rng)


def place_walk(split: Split, walk: int, frames: int, config: WorldConfig) -> tuple[Place, list[PlayerState]]:
    """A place, and the states of somebody who walks through it, rarely with the nose to a wall."""
    place, rng = place_of(split, walk, config), np.random.default_rng([walk, _SALTS[split], 1])
    renderer = PlaceRenderer(replace(place, world=replace(place.world, config=_GLANCE)))
    walks = (_walk(place, rng, frames) for _ in range(_TRIES))
    found = min(
        ((_in_the_face(renderer, states), n, states) for n, states in enumerate(walks)), key=lambda each: each[:2]
    )
    return place, found[2]


def _walk(place: Place, rng: np.random.Generator, frames: int) -> list[PlayerState]:
    policy, state = draw_policy(rng), start_in(place, rng)
    script = POLICIES[policy][1](rng, state)
    states, action = [state], next(script)
    lead = 0 if rng.random() < 0.4 else int(rng.integers(5, _MOST_LEAD))
    for _ in range(lead + frames - 1):
        states.append(advance_in(place, states[-1], action))
        action = script.send(states[-1])
    return states[lead:]


def _in_the_face(renderer: PlaceRenderer, states: list[PlayerState]) -> float:
    """The share of a walk's pictures that shows what is too near to be walked past."""
    picture, depth = np.empty((*renderer.size, 3), dtype=np.uint8), np.empty(renderer.size, dtype=np.float32)
    shares: list[float] = []
    for state in states[:: max(1, len(states) // _GLANCES)]:
        renderer.draw(state, picture, depth)
        shares.append(float((depth < _IN_THE_FACE_M).mean()))
    # A few of them belong to it: people do walk up to walls.
    return max(_SOME_IN_THE_FACE, float(np.mean(shares)))
