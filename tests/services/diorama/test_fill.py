"""Holes in a picture are filled from beside, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from services.world_engine.diorama._fill import fill_rows, mix_in
from services.world_engine.diorama.constants import HEIGHT, WIDTH
from tests.services.diorama.pictures import noise

HALF = noise()[: HEIGHT // 2, : WIDTH // 2]


@pytest.mark.parametrize("left", [0, 250, WIDTH // 2 - 40], ids=["left edge", "middle", "right edge"])
def test_a_hole_is_filled_by_what_is_near_it_alone(left: int) -> None:
    hole = np.zeros(HALF.shape[:2], dtype=np.bool_)
    hole[200:260, left : left + 40] = True
    hole[280:330, 300:420] = True
    elsewhere = HALF.copy()
    elsewhere[:180] = 0  # well above both
    filled, other = fill_rows(HALF, hole), fill_rows(elsewhere, hole)
    assert np.array_equal(filled[hole], other[hole])
    assert np.array_equal(filled[~hole], HALF[~hole])
    assert not np.array_equal(filled[hole], HALF[hole])


def test_a_picture_without_a_hole_stays_as_it_is() -> None:
    assert np.array_equal(fill_rows(HALF, np.zeros(HALF.shape[:2], dtype=np.bool_)), HALF)


@pytest.mark.parametrize("top", [0, 301, HEIGHT - 33])
@pytest.mark.parametrize("left", [0, 502, WIDTH - 71])
def test_a_part_is_mixed_in_as_it_would_be_in_the_whole(top: int, left: int) -> None:
    picture, half = noise(), 255.0 - HALF.astype(np.float32)
    share = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    share[top : top + 33, left : left + 71] = 0.75
    everywhere = mix_in(picture, half, np.full_like(share, 0.75))
    mixed = mix_in(picture, half, share)
    assert np.array_equal(mixed[share > 0.0], everywhere[share > 0.0])
    assert np.array_equal(mixed[share == 0.0], picture[share == 0.0])
