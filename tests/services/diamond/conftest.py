"""A tiny model as the hub lays it out, written once, and torch at one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.torch_threads import one_thread as one_thread

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `csgo/`, as the published repository has it."""
    from tests.engines.diamond.published import tiny_agent, tiny_env, write_model

    folder = tmp_path_factory.mktemp("models") / "eloialonso" / "diamond"
    write_model(folder / "csgo", tiny_agent(), tiny_env())
    return folder
