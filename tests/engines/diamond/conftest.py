"""A folder of a tiny model, written once, and torch at one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.torch_threads import one_thread as one_thread

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engines.diamond.published import tiny_agent, tiny_env, write_model

    return write_model(tmp_path_factory.mktemp("diamond"), tiny_agent(), tiny_env())
