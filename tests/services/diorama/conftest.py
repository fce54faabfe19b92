"""An engine and an open world for the diorama's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.world_engine.diorama.engine import DioramaEngine, DioramaWorld
from tests.services.diorama.pictures import landscape

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> Iterator[DioramaEngine]:
    engine = DioramaEngine()
    yield engine
    engine.close()


@pytest.fixture
def world(engine: DioramaEngine) -> Iterator[DioramaWorld]:
    world = engine.open_world(landscape(), rng_seed=0)
    yield world
    world.close()
