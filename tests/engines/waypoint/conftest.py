"""Folders of tiny models, written once, and torch at one thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.torch_threads import one_thread as one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.waypoint.published import Config


@dataclass(frozen=True)
class Folders:
    """A model with its autoencoder, and what its config says."""

    model: Path
    vae: Path
    config: Config


@pytest.fixture(scope="session")
def waypoint_1_5(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    from tests.engines.waypoint.published import tiny_1_5, write_model, write_taehv

    folder, config = tmp_path_factory.mktemp("waypoint-1.5"), tiny_1_5()
    return Folders(write_model(folder / "model", config), write_taehv(folder / "vae", config), config)


@pytest.fixture(scope="session")
def waypoint_1(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    from tests.engines.waypoint.published import tiny_1, write_image_autoencoder, write_model

    folder, config = tmp_path_factory.mktemp("waypoint-1"), tiny_1()
    return Folders(write_model(folder / "model", config), write_image_autoencoder(folder / "vae", config), config)


@pytest.fixture
def folders(request: pytest.FixtureRequest) -> Folders:
    """Those of the model that a test is parametrized with."""
    return request.getfixturevalue(request.param)
