"""What tests of several packages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def micro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported weights of a tiny world model; shared, so nobody writes there."""
    from tests.world_model.micro import micro_weights  # torch takes seconds to import; most tests do without

    return micro_weights(tmp_path_factory.mktemp("micro") / "weights")
