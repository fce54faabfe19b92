"""What the motion network is shown of the ground and of walls, from wherever the walker is by now."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from world_model.certainty import smooth_layers
from world_model.config import DISPARITY, ModelConfig
from world_model.layers import CELL, EYE_HEIGHT_M, FINE
from world_model.motion_view import motion_view
from world_model.pose import Pose, relative_pose_between
from world_model.prepared_layers import PreparedLayers

CONFIG = ModelConfig()
ROWS, COLUMNS = CONFIG.height // CELL, CONFIG.width // CELL
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Shown = np.ndarray[tuple[int, ...], np.dtype[np.int16]]

ASIDE = (np.arange(COLUMNS) + 0.5 - 0.5 * COLUMNS) * CELL / CONFIG.focal
DOWN = (np.arange(ROWS) + 0.5 - 0.5 * ROWS) * CELL / CONFIG.focal


def ground(slope: float = 0.0, eye: float = EYE_HEIGHT_M) -> Floats:
    """Inverse depth of a plane below the eye."""
    return np.repeat(np.maximum((DOWN - slope) / eye, 0.0)[:, None], COLUMNS, axis=1).astype(np.float32)


def shown(inverse_depth: Floats, pose: Pose, keyframe: Pose | None = None) -> Shown:
    """Disparity of each cell."""
    relative_pose = relative_pose_between(keyframe or Pose(), pose)
    return motion_view(CONFIG, inverse_depth, relative_pose)[DISPARITY, ::CELL, ::CELL].astype(np.int16)


def expected(metres: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Shown:
    return np.rint(255.0 / (1.0 + metres)).astype(np.int16)


def level(slope: float = 0.0, eye: float = EYE_HEIGHT_M) -> Shown:
    """Disparity of level ground, whose distances are in the horizontal plane."""
    below = np.maximum(DOWN - slope, 1e-9)[:, None]
    return expected(eye / below * np.sqrt(1.0 + np.square(ASIDE)))


@pytest.mark.parametrize(
    "pose",
    [
        Pose(),
        Pose(z=1.0),
        Pose(z=-1.0),
        Pose(x=0.8, z=0.3),
        Pose(yaw=math.radians(12.0)),
        Pose(x=-0.4, z=-0.7, yaw=math.radians(-9.0)),
    ],
)
def test_level_ground_is_as_far_away_from_every_place(pose: Pose) -> None:
    assert np.abs(shown(ground(), pose) - level()).max() <= 1


@pytest.mark.parametrize("slope", [-0.2, 0.15])
def test_a_look_up_or_down_sees_the_same_ground(slope: float) -> None:
    assert np.abs(shown(ground(), Pose(z=0.4, slope=slope)) - level(slope)).max() <= 1
    assert np.abs(shown(ground(slope), Pose(z=0.4), Pose(slope=slope)) - level()).max() <= 1


@pytest.mark.parametrize("up", [-0.5, 0.6])
def test_from_higher_the_ground_is_farther_away(up: float) -> None:
    assert np.abs(shown(ground(), Pose(y=up)) - level(eye=EYE_HEIGHT_M + up)).max() <= 1


@pytest.mark.parametrize("ahead", [-0.8, 0.0, 1.0, 2.0])
def test_a_wall_is_nearer_by_as_much_as_one_has_come(ahead: float) -> None:
    wall = np.full((ROWS, COLUMNS), 1 / 3, dtype=np.float32)
    upper = slice(0, ROWS // 2)
    across = np.broadcast_to((3.0 - ahead) * np.sqrt(1.0 + np.square(ASIDE)), (ROWS // 2, COLUMNS))
    assert np.abs(shown(wall, Pose(z=ahead))[upper] - expected(across)).max() <= 1


def test_who_has_come_through_a_wall_stands_in_it() -> None:
    wall = np.full((ROWS, COLUMNS), 1 / 3, dtype=np.float32)
    assert (shown(wall, Pose(z=3.5))[: ROWS // 2] > 250).all()


def test_the_sky_stays_far_away() -> None:
    assert not shown(ground(), Pose(x=0.3, y=0.2, z=1.0))[: ROWS // 2].any()


def test_a_wall_is_walked_into_unless_it_is_a_guess() -> None:
    picture = np.zeros((FINE * CONFIG.height, FINE * CONFIG.width, 3), dtype=np.uint8)
    layers = smooth_layers(CONFIG, picture, np.full((ROWS, COLUMNS), 0.2, dtype=np.float32), 0.1)
    known = PreparedLayers.of(CONFIG, replace(layers, doubt=0.0)).inverse_depth
    assert known is not None
    np.testing.assert_allclose(known[0], 0.2, atol=1e-6)
    assert PreparedLayers.of(CONFIG, replace(layers, doubt=0.5)).inverse_depth is None
