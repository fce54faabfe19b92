"""Two hundred stops, at moments all over the start, the load of an engine, its warm-up and play."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.ends import WAYS, Playing, Starting, Stop, assert_stops_cleanly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the process handles signals"),
]

_AT_ONCE: Final = 2
_STARTING: Final = [Stop(Starting(0.008 * number), WAYS[number % len(WAYS)]) for number in range(110)]
# It is compiled for half a minute when it is first loaded.
_COMPILING: Final = [
    Stop(Playing("terrarium/simulator", 0.8 * number), WAYS[number % len(WAYS)], 0.050, 0.005)
    for number in range(1, 11)
]


def _stop_at_each(stops: Sequence[Stop], tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(stops))]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ran = list(pool.map(assert_stops_cleanly, stops, folders))
    middle = sorted(ran)[len(ran) // 2]
    print(f"{len(ran)} stops ran for {middle:.2f} s (median), {max(ran):.2f} s at most, until the process ended")  # noqa: T201 - the finding


def test_stops_during_the_start(tmp_path: Path) -> None:
    _stop_at_each(_STARTING, tmp_path)


@pytest.mark.parametrize("model", ["terrarium/moss", "terrarium/diorama"])
def test_stops_while_an_engine_is_loaded_and_played(model: str, tmp_path: Path) -> None:
    """While it is loaded the server runs for one sixth of the time, so that the load outlives the stop's patience."""
    stops = [Stop(Playing(model, 0.008 * number), WAYS[number % len(WAYS)]) for number in range(40)]
    _stop_at_each([*(replace(stop, run_s=0.004) for stop in stops[:25]), *stops[25:]], tmp_path)


def test_stops_while_an_engine_is_compiled(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    _stop_at_each(_COMPILING, tmp_path)
