"""Where the pixels of a keyframe come from."""

from __future__ import annotations

import numpy as np
import pytest

from world_model.layers import FINE
from world_model.origins import Origin, own_origin

H, W = 32, 64


def test_a_picture_of_its_own_is_not_enlarged() -> None:
    assert own_origin(0, H, W).enlargement == 1.0


@pytest.mark.parametrize("times", [2, 4])
def test_enlargement_is_how_many_times_larger_things_are(times: int) -> None:
    own = own_origin(0, H, W)
    assert Origin(own.slot, own.place // times).enlargement == pytest.approx(times, rel=1e-3)


def test_borders_between_pictures_do_not_count() -> None:
    """Left half of one picture, right half of another, which lie far apart in them."""
    own = own_origin(0, H, W)
    slot, place = own.slot.copy(), own.place.copy()
    slot[:, W // 2 :] = 3
    place[:, W // 2 :] //= 2
    assert Origin(slot, place).enlargement == pytest.approx(1 / 0.75, rel=0.01)


def test_a_single_place_everywhere_has_a_bounded_enlargement() -> None:
    """As a snapshot that somebody made up may have it."""
    nowhere = Origin(np.zeros((H, W), dtype=np.uint8), np.zeros((H, W, 2), dtype=np.uint16))
    assert nowhere.enlargement == FINE * 64
    lone = Origin(np.arange(H * W, dtype=np.uint8).reshape(H, W), nowhere.place)
    assert lone.enlargement == 1.0
