"""Folders of tiny models, written once, and torch at one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.torch_threads import one_thread as one_thread

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a tiny Waypoint 1.5 and a tiny Waypoint 1 under their published names."""
    from tests.engines.waypoint.installed import install_waypoint_1, install_waypoint_1_5

    folder = tmp_path_factory.mktemp("models")
    install_waypoint_1_5(folder)
    install_waypoint_1(folder)
    return folder
