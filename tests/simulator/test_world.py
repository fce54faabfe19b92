"""What a seed and a config decide."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.biomes import BIOMES
from simulator.config import WorldConfig
from simulator.daylights import DAYLIGHTS
from simulator.surroundings import Surroundings
from simulator.world import make_world


def test_seeds_draw_every_biome_and_daylight() -> None:
    worlds = [make_world(seed) for seed in range(300)]
    assert {world.biome for world in worlds} == {biome.name for biome in BIOMES}
    assert {world.daylight for world in worlds} == {daylight.name for daylight in DAYLIGHTS}


def test_fixing_the_daylight_keeps_the_land() -> None:
    free, fixed = make_world(12), make_world(12, WorldConfig(daylight="night"))
    assert fixed.daylight == "night"
    assert free.relief == fixed.relief


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="Choose one of"):
        make_world(1, WorldConfig(biome="moon"))


@pytest.mark.parametrize("config", [{"height": 1}, {"fov_deg": 170.0}, {"supersample": 9}])
def test_measures_out_of_range_are_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        WorldConfig(**config)  # pyright: ignore[reportArgumentType] - the point of the test


def test_a_tint_moves_the_leaves_and_leaves_the_land() -> None:
    plain, tinted = make_world(5), make_world(5, WorldConfig(tint=(0.9, 0.1, 0.1)))
    assert tinted.relief == plain.relief
    assert tinted.paint.leaf_a[0] > plain.paint.leaf_a[0]
    assert tinted.paint.leaf_a[1] < plain.paint.leaf_a[1]


def test_houses_and_paths_can_be_left_out() -> None:
    with_houses, without = (
        Surroundings(make_world(1, WorldConfig(biome="meadow", buildings=buildings))) for buildings in (True, False)
    )
    for around in (with_houses, without):
        around.follow(0.0, 0.0)
    assert np.count_nonzero(with_houses.ground.houses[..., 0]) > 0
    assert np.count_nonzero(without.ground.houses[..., 0]) == 0
