"""Walks through rooms and streets become views."""

from __future__ import annotations

import numpy as np

from simulator.config import WorldConfig
from training.scenes.labels import UNKNOWN
from training.scenes.make_views import record_place_walk
from training.scenes.places import place_of, place_walk
from training.scenes.views import SOURCES, VIEWS
from world_model.layers import PEEL_LAYERS

CONFIG = WorldConfig(height=32, width=64, supersample=1)


def test_views_of_places_have_the_layers_of_their_peels() -> None:
    for walk in range(4):
        views = record_place_walk("train", walk, CONFIG)
        assert views.pictures.shape == (VIEWS, 32, 64, 3)
        assert views.layers.shape == (SOURCES, 3, 32, 64)
        for peel, allowed in enumerate(PEEL_LAYERS):
            is_hidden = peel > 0 and place_of("train", walk, CONFIG).is_closed
            found = {int(layer) for layer in np.unique(views.layers[:, peel])}
            assert found - {UNKNOWN} <= set(allowed)
            assert is_hidden or UNKNOWN not in found


def test_a_walk_is_a_function_of_split_and_number() -> None:
    one, same, other = (place_walk("train", number, 20, CONFIG)[1] for number in (1, 1, 2))
    heldout = place_walk("heldout", 1, 20, CONFIG)[1]
    assert one == same
    assert one != other
    assert one != heldout


def test_there_are_rooms_and_streets() -> None:
    assert {place_of("train", walk, CONFIG).is_closed for walk in range(12)} == {True, False}
