"""Depths become layers."""

from __future__ import annotations

import numpy as np
import pytest

from training.scenes.labels import UNKNOWN, focal_of, inverse_depths_of, layers_of
from world_model.layers import FAR, GROUND, SKY

INFINITE = float("inf")


def labelled(*peels: float, land: float) -> list[int]:
    depths = np.array(peels, dtype=np.float32)[:, None, None]
    return [int(layer) for layer in layers_of(depths, np.array([[land]], dtype=np.float32)).ravel()]


@pytest.mark.parametrize(("depth", "layer"), [(30.0, 2), (20.0, 4), (10.0, 5), (7.0, 6), (5.0, 7), (3.0, 8), (1.0, 9)])
def test_a_thing_has_the_layer_of_its_distance(depth: float, layer: int) -> None:
    assert labelled(depth, INFINITE, INFINITE, land=INFINITE)[0] == layer


def test_land_and_sky_are_told_from_things() -> None:
    assert labelled(5.0, 5.0, 5.0, land=5.0) == [GROUND] * 3
    assert labelled(50.0, 50.0, 50.0, land=50.0) == [FAR] * 3
    assert labelled(INFINITE, INFINITE, INFINITE, land=INFINITE) == [SKY] * 3


def test_what_hides_behind_has_a_layer_of_its_own() -> None:
    assert labelled(5.0, 20.0, 60.0, land=100.0) == [7, 4, FAR]


def test_what_a_peel_keeps_belongs_to_the_layers_that_it_has() -> None:
    """A crown whose middle is 42 m away begins at 38 m; one whose middle is 15 m away begins at 13 m."""
    assert labelled(13.0, 13.0, 38.0, land=100.0) == [5, 4, FAR]


def test_inverse_depth_is_along_the_look() -> None:
    depths = np.full((1, 8), 10.0, dtype=np.float32)
    depths[0, 7] = np.inf
    inverse = inverse_depths_of(depths, focal_of(8, 90.0)).astype(np.float64)
    aside = (0.5 - 4.0) / 4.0  # of the first pixel
    assert inverse[0, 0] == pytest.approx(np.hypot(1.0, aside) / 10.0, rel=1e-3)
    assert inverse[0, 7] == 0.0


def test_behind_the_walls_of_a_closed_place_nothing_is_known() -> None:
    """A wall that every peel shows is a thing in the view itself, and hides what is behind it from the peels."""
    depths = np.array((5.0, 5.0, 5.0), dtype=np.float32)[:, None, None]
    land = np.array([[np.inf]], dtype=np.float32)
    assert layers_of(depths, land, is_closed=True).ravel().tolist() == [7, UNKNOWN, UNKNOWN]
    assert layers_of(depths, depths[0], is_closed=True).ravel().tolist() == [GROUND] * 3
