"""The weights that ship: they load, play from any seed of the gallery, and keep a snapshot under eight megabytes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import MOSS_DIR, SHIPPED_SEEDS_DIR
from services.world_engine.moss.entry import Moss
from tests.services.moss.play import ADVENTURE, play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.world_engine.world_engine import WorldEngine


@pytest.fixture(name="shipped", scope="module")
def fixture_shipped() -> Iterator[WorldEngine]:
    moss = Moss(MOSS_DIR, "large")
    assert moss.card.missing is None
    with closing(moss.load("none", lambda _: None)) as engine:
        yield engine


@pytest.mark.parametrize("slug", ["blossom_hill", "library_hall"])
def test_a_seed_is_played_and_restored(shipped: WorldEngine, slug: str) -> None:
    with Image.open(SHIPPED_SEEDS_DIR / f"{slug}.jpg") as image:
        small = image.convert("RGB").resize((shipped.spec.width, shipped.spec.height), Image.Resampling.BOX)
    assert (shipped.spec.height, shipped.spec.width) == (256, 448)
    world = shipped.open_world(np.array(small), rng_seed=1)
    play(world)
    moment = world.snapshot()
    assert len(moment.state) <= 8_000_000
    wanted = play(world, ADVENTURE[:5])
    world.restore(moment)
    np.testing.assert_array_equal(play(world, ADVENTURE[:5]), wanted)
