"""Folders of tiny models, written once, and torch at one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a tiny Waypoint 1.5 and a tiny Waypoint 1 under their published names."""
    from tests.engines.waypoint.installed import install_waypoint_1, install_waypoint_1_5

    folder = tmp_path_factory.mktemp("models")
    install_waypoint_1_5(folder)
    install_waypoint_1(folder)
    return folder
