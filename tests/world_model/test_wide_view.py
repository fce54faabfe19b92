"""What lies around a keyframe's picture: where, and how it is joined to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from world_model.config import ModelConfig
from world_model.layers import FINE, layer_sized
from world_model.wide_view import Bytes, WideView

CONFIG = ModelConfig()
VIEW = WideView(CONFIG)


def picture(seed: int) -> Bytes:
    coarse = np.random.default_rng(seed).integers(40, 200, (16, 28, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)


def test_in_the_middle_its_pixels_are_those_of_the_layers() -> None:
    columns = np.arange(CONFIG.width)
    np.testing.assert_allclose(VIEW.across.places(columns), columns + VIEW.across.inner.start)
    assert VIEW.across.slopes(np.array([VIEW.across.inner.start - 0.5])) == pytest.approx(-math.tan(0.5 * CONFIG.fov))


def test_places_and_slopes_are_inverses() -> None:
    for axis in (VIEW.across, VIEW.down):
        places = np.arange(axis.whole)
        np.testing.assert_allclose(axis.places_of(axis.slopes(places)), places, atol=1e-2)


def test_it_reaches_farther_than_a_keyframe_is_played() -> None:
    """Twelve degrees aside, and a look up by 0.2."""
    aside, up = float(VIEW.across.slopes(np.array([-0.5]))[0]), float(VIEW.down.slopes(np.array([-0.5]))[0])
    assert -math.degrees(math.atan(aside)) > 36.0 + 15.0
    assert -up > 0.5 * CONFIG.height / CONFIG.focal + 0.15


def test_the_picture_stays_what_it_is_in_the_middle_of_what_is_around() -> None:
    small, wide = picture(1), np.repeat(np.repeat(picture(2), 2, axis=0), 2, axis=1)[: VIEW.shape[0], : VIEW.shape[1]]
    made = VIEW.around(small, wide)
    np.testing.assert_array_equal(made[VIEW.inner], small)
    rows, columns = VIEW.inner
    np.testing.assert_array_equal(made[rows, -20:], wide[rows, -20:])
    for at in (columns.start, columns.stop):  # it leads to the picture's edges
        edge, beyond = (made[rows, n].astype(np.int16) for n in ((at, at - 1) if at == columns.start else (at - 1, at)))
        assert float(np.abs(edge - beyond).mean()) < 12.0


def test_a_texture_has_the_whole_picture_in_its_middle() -> None:
    large = np.random.default_rng(3).integers(0, 256, (FINE * CONFIG.height, FINE * CONFIG.width, 3), dtype=np.uint8)
    texture = VIEW.texture(VIEW.mirrored(layer_sized(large)), large)
    assert texture.shape == (FINE * VIEW.shape[0], FINE * VIEW.shape[1], 3)
    np.testing.assert_array_equal(texture[VIEW.fine_inner], large)
