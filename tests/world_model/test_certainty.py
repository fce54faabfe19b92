"""What a network is sure of, and the smooth layers that take the place of what it only guesses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from world_model.certainty import SURE_BELOW, CertainSeer, cell_inverse_depth, doubt_between, smooth_layers
from world_model.config import MICRO
from world_model.keyframes import LEAD, KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.layers import EYE_HEIGHT_M, FINE, GROUND, HIDDEN, LAYERS, SKY, Bytes, Layers, layer_sized
from world_model.pose import Pose
from world_model.prepared_layers import PreparedLayers
from world_model.wide_view import WideView

H, W = MICRO.height, MICRO.width
CELLS = H // 8, W // 8
PICTURE = np.random.default_rng(0).integers(0, 256, (FINE * H, FINE * W, 3), dtype=np.uint8)


class Wall:
    """Says that pictures show a wall, nearer on the left by a share of its distance: a guess that has a side."""

    def __init__(self, leaning: float) -> None:
        self.leaning = leaning

    def see(self, picture: Bytes, slope: float) -> Layers:
        alpha = np.zeros((LAYERS, H, W), dtype=np.uint8)
        alpha[[0, 6]] = 255
        hidden = (np.zeros((H, W, 3), dtype=np.uint8),) * HIDDEN
        lean = np.linspace(1.0 + self.leaning, 1.0 - self.leaning, CELLS[1], dtype=np.float32)
        relief = np.broadcast_to(0.2 * lean, (LAYERS, *CELLS)).astype(np.float32)
        return Layers(alpha, hidden, picture, WideView(MICRO).mirrored(layer_sized(picture)), relief, slope)


def test_who_says_the_same_of_the_mirror_image_is_believed() -> None:
    layers = CertainSeer(MICRO, Wall(0.0)).see(PICTURE, 0.1)
    assert layers.doubt < 1e-6
    np.testing.assert_array_equal(layers.alpha, Wall(0.0).see(PICTURE, 0.1).alpha)


def test_the_more_two_answers_differ_the_greater_is_the_doubt() -> None:
    doubts = [CertainSeer(MICRO, Wall(leaning)).see(PICTURE, 0.0).doubt for leaning in (0.02, 0.1, 0.4)]
    assert doubts == sorted(doubts)
    assert doubts[0] < SURE_BELOW < doubts[2]


def test_a_guess_gives_way_to_one_layer_with_the_whole_picture() -> None:
    layers = CertainSeer(MICRO, Wall(0.5)).see(PICTURE, 0.0)
    assert [layer for layer in range(LAYERS) if layers.alpha[layer].any()] == [SKY, GROUND]
    assert (layers.alpha[GROUND] == 255).all()
    drawn = LayerRenderer(MICRO, FINE * H).render(PreparedLayers.of(MICRO, layers), np.zeros(6, dtype=np.float32))
    assert int(np.abs(drawn.astype(np.int16) - PICTURE).max()) <= 1


@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.3])
def test_smooth_layers_are_level_ground_and_a_wall(slope: float) -> None:
    """The ground is the plane below the eye, and the wall keeps within its bounds and has no edges."""
    wild = np.random.default_rng(1).uniform(0.0, 1.0, CELLS).astype(np.float32)
    found = cell_inverse_depth(MICRO, smooth_layers(MICRO, PICTURE, wild, slope))
    down = (np.arange(CELLS[0]) + 0.5 - 0.5 * CELLS[0]) * 8.0 / MICRO.focal - slope
    ground = down / EYE_HEIGHT_M > 0.2
    np.testing.assert_allclose(found[ground], np.repeat(down[ground, None] / EYE_HEIGHT_M, CELLS[1], axis=1), rtol=1e-4)
    assert found[down < 0.0].max(initial=0.1) <= 0.2 + 1e-6
    assert np.abs(np.diff(found, axis=1)).max() < 0.05


def test_a_picture_that_looks_at_the_ground_alone_has_smooth_layers() -> None:
    steep = -math.tan(math.radians(38.0)) - 1.0
    found = cell_inverse_depth(MICRO, smooth_layers(MICRO, PICTURE, np.zeros(CELLS, dtype=np.float32), steep))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("leanings", [(0.5, 0.0), (0.0, 0.5)])
def test_keyframes_are_as_sure_as_the_picture_that_the_world_began_with(leanings: tuple[float, float]) -> None:
    """What was guessed stays a guess, though its blurred picture looks plain; what was known stays known."""

    class ChangesItsMind:
        def __init__(self) -> None:
            self.looks = 0

        def see(self, picture: Bytes, slope: float) -> Layers:
            self.looks += 1
            return Wall(leanings[0] if self.looks <= 2 else leanings[1]).see(picture, slope)

    keeper = KeyframeKeeper(MICRO, CertainSeer(MICRO, ChangesItsMind()), LayerRenderer(MICRO))
    state = keeper.begin(PICTURE, Pose())
    first = state.current.layers
    for n in range(3 * LEAD):
        _, state = keeper.frame(state, Pose(x=0.06 * n))
    assert state.current.pose.x > 0.9
    assert state.current.layers.doubt == first.doubt
    assert bool(state.current.layers.alpha[GROUND].any()) == bool(first.alpha[GROUND].any()) == (leanings[0] > 0.0)


@pytest.mark.parametrize(("doubt", "looks"), [(None, 2), (0.01, 1), (0.5, 1)])
def test_only_a_picture_that_somebody_brought_is_looked_at_twice(doubt: float | None, looks: int) -> None:
    class Counting(Wall):
        looks = 0

        def see(self, picture: Bytes, slope: float) -> Layers:
            self.looks += 1
            return super().see(picture, slope)

    source = Counting(0.5)
    layers = CertainSeer(MICRO, source).see(PICTURE, 0.0, doubt=doubt)
    assert source.looks == looks
    assert bool(layers.alpha[GROUND].any()) == (doubt != 0.01)


def test_doubt_is_relative_and_has_a_floor() -> None:
    one = np.full(CELLS, 0.5, dtype=np.float32)
    assert doubt_between(one, 1.1 * one) == pytest.approx(0.05 / (0.525 + 0.03), rel=1e-3)
    assert doubt_between(0.0 * one, 0.0 * one + np.float32(0.001)) < 0.04
