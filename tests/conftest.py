"""What tests of several packages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.waiting import deadline_s, patience

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def micro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported weights of a tiny world model; shared, so nobody writes there."""
    from tests.world_model.micro import micro_weights  # torch takes seconds to import; most tests do without

    return micro_weights(tmp_path_factory.mktemp("micro") / "weights")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A machine that needs patience needs it of pytest-timeout as well."""
    if patience() == 1.0:
        return
    usual = float(config.getini("timeout") or 0)  # a copy of some of the tree has no configuration: no limit
    for item in items:
        own = item.get_closest_marker("timeout")
        item.add_marker(pytest.mark.timeout(deadline_s(own.args[0] if own else usual)), append=False)
