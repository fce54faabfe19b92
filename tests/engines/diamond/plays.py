"""Pictures and actions that a test can name by a number."""

from __future__ import annotations

import random

import numpy as np

from engines.diamond import Action, DiamondModel, Key, Picture, WorldState
from engines.diamond.actions import KEYS


def picture(number: int, height: int = 30, width: int = 50) -> Picture:
    chance = np.random.default_rng(number)
    coarse = chance.integers(0, 256, (3, 5, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(height // 3, axis=0).repeat(width // 5, axis=1))


def action(number: int) -> Action:
    chance = random.Random(number)
    keys: frozenset[Key] = frozenset(chance.sample(KEYS, chance.randrange(4)))
    return Action(keys, chance.random() < 0.5, chance.random() < 0.5, chance.uniform(-900, 900), chance.gauss(0, 60))


def walked(model: DiamondModel, state: WorldState, numbers: range) -> list[WorldState]:
    """The states after each of these actions."""
    states: list[WorldState] = []
    for number in numbers:
        (following,) = model.step([state], [action(number)])
        assert isinstance(following, WorldState)
        state = following
        states.append(state)
    return states
