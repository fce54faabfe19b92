"""Peeled views: near things leave the picture, and nothing else changes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from simulator.config import WorldConfig
from simulator.peeling import PeeledView, draw_peeled
from simulator.player import initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world

PEELS = (0.0, 14.0, 40.0, math.inf)


@pytest.fixture(scope="module")
def peeled() -> PeeledView:
    around = Surroundings(make_world(0, WorldConfig(height=48, width=96)))
    return draw_peeled(Renderer(around), initial_state(around, 0.0, 0.0), PEELS)


def test_the_first_peel_is_the_view_itself(peeled: PeeledView) -> None:
    around = Surroundings(make_world(0, WorldConfig(height=48, width=96)))
    picture, depth = np.empty((48, 96, 3), dtype=np.uint8), np.empty((48, 96), dtype=np.float32)
    Renderer(around).draw(initial_state(around, 0.0, 0.0), picture, depth)
    np.testing.assert_array_equal(peeled.pictures[0], picture)
    np.testing.assert_array_equal(peeled.depths[0], depth)


def test_each_peel_looks_farther(peeled: PeeledView) -> None:
    """Each peel removes something, and what it uncovers is farther away."""
    for nearer, farther in itertools.pairwise(peeled.depths):
        assert (farther >= nearer).all()
        assert (farther > nearer).any()


def test_a_peel_changes_only_what_was_covered(peeled: PeeledView) -> None:
    """Water mirrors what stands at its shore, so pixels that look up or straight are compared."""
    same = peeled.depths[0] == peeled.depths[1]
    upper = np.arange(48)[:, None] < 24
    np.testing.assert_array_equal(peeled.pictures[0][same & upper], peeled.pictures[1][same & upper])
