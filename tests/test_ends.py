"""A stop is clean at any moment, also of a server that gets little time to run. tests/trials/ has many more moments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.ends import Playing, Starting, Stop, assert_stops_cleanly

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the process handles signals")

MOMENTS = [
    Stop(Starting(0.0), "SIGTERM"),
    Stop(Starting(0.1), "SIGHUP"),
    Stop(Starting(0.2), "SIGINT"),
    Stop(Starting(0.3), "SIGTERM"),
    Stop(Starting(0.4), "SIGTERM"),
    Stop(Starting(0.5), "SIGHUP"),
    Stop(Playing("terrarium/moss", 0.03), "SIGTERM", 0.003, 0.030),
    Stop(Playing("terrarium/moss", 0.08), "POST /shutdown", 0.003, 0.030),
    Stop(Playing("terrarium/moss", 0.12), "SIGHUP", 0.003, 0.030),
    Stop(Playing("terrarium/diorama", 0.05), "SIGTERM", 0.003, 0.030),
    Stop(Playing("terrarium/diorama", 0.3), "SIGHUP"),
    Stop(Playing("terrarium/moss", 0.6), "POST /shutdown"),
]


@pytest.mark.parametrize("stop", MOMENTS, ids=lambda stop: f"{stop.way}-{stop.moment}")
def test_it_stops_cleanly(stop: Stop, tmp_path: Path) -> None:
    assert_stops_cleanly(stop, tmp_path)
