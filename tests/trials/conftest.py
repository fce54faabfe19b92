"""A server as a person starts it, for every trial its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    process = ServerProcess(tmp_path, {})
    process.start()
    try:
        yield process
    finally:
        process.stop()
