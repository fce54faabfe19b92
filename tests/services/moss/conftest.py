"""An engine with the weights of a tiny model, for the tests of Moss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.world_engine.moss.engine import MossEngine
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def engine(micro_folder: Path) -> MossEngine:
    return MossEngine(load_runtime(micro_folder), steps=2)
