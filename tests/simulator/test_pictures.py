"""What frames look like: sky above land, haze in the distance, stillness while nobody moves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.biomes import BIOMES
from simulator.config import WorldConfig
from simulator.daylights import DAYLIGHTS
from simulator.player import Action
from simulator.surroundings import VIEW_DISTANCE
from tests.simulator.walks import SMALL, random_actions, visit


def test_the_sky_is_above_and_the_ground_below() -> None:
    for seed in range(6):
        depth = visit(seed).depth()
        assert np.isinf(depth[:4]).any()
        assert np.isfinite(depth[-8:]).all()
        assert depth[-1].mean() < 10.0


def test_depths_are_distances_in_view() -> None:
    player = visit(1)
    for action in random_actions(1, 30):
        player.act(action)
        depth = player.depth()
        seen = depth[np.isfinite(depth)]
        assert not np.isnan(depth).any()
        assert seen.min() > 0.0
        assert seen.max() <= VIEW_DISTANCE


@pytest.mark.parametrize("biome", [biome.name for biome in BIOMES])
def test_every_biome_has_a_picture(biome: str) -> None:
    picture = visit(21, replace(SMALL, biome=biome, daylight="morning")).see()
    assert picture.std() > 15.0
    assert 40.0 < picture.mean() < 235.0


@pytest.mark.parametrize("daylight", [daylight.name for daylight in DAYLIGHTS])
def test_every_daylight_has_a_picture(daylight: str) -> None:
    assert visit(22, replace(SMALL, daylight=daylight)).see().std() > 8.0


def test_nights_are_darker_than_noons() -> None:
    night, noon = (visit(23, replace(SMALL, daylight=name)).see().mean() for name in ("night", "noon"))
    assert night < 0.6 * noon


def test_nothing_moves_while_the_player_stands_still() -> None:
    player = visit(4)
    first = player.see()
    player.act(Action(), frames=30)
    assert (player.see() == first).all()


def test_a_full_turn_comes_back_to_the_same_picture() -> None:
    player = visit(4)
    first = player.see()
    player.act(Action(yaw=2.0 * math.pi / 16.0), frames=8)
    assert not (player.see() == first).all()
    player.act(Action(yaw=2.0 * math.pi / 16.0), frames=8)
    assert (player.see() == first).all()


def test_looking_up_shows_more_sky() -> None:
    player = visit(4)
    level = np.isinf(player.depth()).mean()
    player.act(Action(pitch=0.3))
    assert np.isinf(player.depth()).mean() > level + 0.2


def test_turning_right_moves_the_picture_to_the_left() -> None:
    player = visit(4, WorldConfig(height=64, width=112, fov_deg=72.0))
    before = player.see().astype(float)
    player.act(Action(yaw=0.1))
    after = player.see().astype(float)
    shift = round(0.1 * 56.0 / math.tan(math.radians(36.0)))

    def difference(columns: int) -> float:
        """Around the middle of the picture, where the focal length fits best."""
        return float(np.abs(after[:, 40:70] - before[:, 40 + columns : 70 + columns]).mean())

    assert difference(shift) < 0.5 * difference(-shift)
