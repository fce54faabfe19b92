"""A landscape with a tree of known distance, and its true depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, HEIGHT, WIDTH

if TYPE_CHECKING:
    from services.world_engine.depth.depth import Floats
    from services.world_engine.world_engine import Picture

HORIZON = 374.0  # where the tests' pictures have it, and where it is found
AHEAD = 8.0  # metres to the tree
MIDDLE = 500  # column of its trunk
BARK = (60, 40, 30)
LEAVES = (40, 90, 40)


def tree() -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which pixels show the tree: a trunk and a round crown."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    foot = HORIZON + FOCAL * EYE_HEIGHT / AHEAD
    trunk = (np.abs(x - MIDDLE) < 18) & (y > 200) & (y < foot)
    crown = np.hypot(x - MIDDLE, y - 180) < 100
    return trunk | crown


def parkland() -> Picture:
    """Even sky and meadow, with the tree."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.where((y > HORIZON)[..., None], (150, 190, 90), (170, 200, 235)).astype(np.float64)
    picture[tree()] = BARK
    picture[np.hypot(x - MIDDLE, y - 180) < 100] = LEAVES
    return picture.astype(np.uint8)


def true_depth() -> Floats:
    """1 / metres on the map for each pixel."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    ahead = np.maximum(y - HORIZON, 0.0) / (FOCAL * EYE_HEIGHT)
    ahead[tree()] = 1.0 / AHEAD
    return (ahead / np.hypot(1.0, (x - (WIDTH - 1) / 2) / FOCAL)).astype(np.float32)
