"""What a player does during one frame, as the model was taught it: keys, clicks, and mouse motion in bins.

Pearce and Zhu 2021, "Counter-Strike Deathmatch with Large-Scale Behavioural Cloning", recorded the games that the model
learned from, and chose the bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.diamond.errors import InputError

Key: TypeAlias = Literal["W", "A", "S", "D", "SPACE", "CTRL", "SHIFT", "1", "2", "3", "R"]
ActionVector: TypeAlias = NDArray[np.uint8]  # [ACTION_WIDTH], zeros and ones

KEYS: Final[tuple[Key, ...]] = ("W", "A", "S", "D", "SPACE", "CTRL", "SHIFT", "1", "2", "3", "R")  # as in the vector
_RIGHTWARD: Final = (2, 4, 10, 20, 30, 60, 100, 200, 300, 500, 1000)
_DOWNWARD: Final = (2, 4, 10, 20, 50, 100, 200)


def _both_ways(bins: tuple[int, ...]) -> tuple[int, ...]:
    return (*(-one for one in reversed(bins)), 0, *bins)


MOUSE_RIGHT: Final = _both_ways(_RIGHTWARD)
MOUSE_DOWN: Final = _both_ways(_DOWNWARD)
ACTION_WIDTH: Final = len(KEYS) + 2 + len(MOUSE_RIGHT) + len(MOUSE_DOWN)


@dataclass(frozen=True, slots=True)
class Action:
    """Mouse motion is in counts of the recorded players' mice; right and down are positive."""

    keys: frozenset[Key] = field(default=frozenset())
    left_click: bool = False
    right_click: bool = False
    mouse_right: float = 0.0
    mouse_down: float = 0.0


IDLE: Final = Action()


def action_vector(action: Action) -> ActionVector:
    """Keys, left and right click, then one of each axis's bins.

    Raises:
        InputError: mouse motion is not finite, or there is no such key.
    """
    if not (math.isfinite(action.mouse_right) and math.isfinite(action.mouse_down)):
        raise InputError("Mouse motion must be finite numbers.")
    unknown = action.keys - {*KEYS}
    if unknown:
        raise InputError(f"The model has no key {min(unknown)}.")
    switches = [*(key in action.keys for key in KEYS), action.left_click, action.right_click]
    bins = (*_one_of(MOUSE_RIGHT, action.mouse_right), *_one_of(MOUSE_DOWN, action.mouse_down))
    return np.array([*switches, *bins], dtype=np.uint8)


def _one_of(bins: tuple[int, ...], motion: float) -> list[bool]:
    """Which bin is nearest; between two equally near ones, the smaller motion."""
    nearest = min(bins, key=lambda one: (abs(one - motion), abs(one)))
    return [one == nearest for one in bins]
