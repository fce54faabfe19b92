"""An engine with the weights of a tiny model, for the tests of Moss."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from services.world_engine.moss.engine import MossEngine
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def engine(micro_folder: Path) -> Iterator[MossEngine]:
    with closing(MossEngine(load_runtime(micro_folder), "large")) as engine:
        yield engine
