"""What lies around a close-up: its own reflection, and ever less of its detail."""

from __future__ import annotations

import numpy as np

from services.world_engine.diorama._close_up import surround
from services.world_engine.diorama._geometry import SKY_ROWS
from services.world_engine.diorama._scene import SIDE_COLUMNS
from services.world_engine.diorama.constants import HEIGHT, WIDTH


def test_the_picture_is_left_as_it_is_and_its_reflections_lose_their_detail() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    around = surround(noise, SIDE_COLUMNS)
    middle = slice(SKY_ROWS, SKY_ROWS + HEIGHT)
    left = (around.shape[1] - WIDTH) // 2
    np.testing.assert_array_equal(around[middle, left : left + WIDTH], noise)
    beside = np.abs(np.diff(around[middle, :left].astype(np.int16), axis=0)).mean(axis=(0, 2))
    assert beside[left - 1] > 60.0, "next to the picture it is the picture"
    assert beside[left - WIDTH // 2] < 1.0
    assert np.all(np.abs(around[middle, 0].mean(axis=0) - 127.5) < 10.0), "and keeps its light"
