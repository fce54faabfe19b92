"""How long a `terrarium` client is away when its server is killed: until another one has made its next step."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.child import fleet_server, free_port, wait_for_fleet, wait_until
from benchmarks.fleet_servers import is_server, played_on

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from terrarium_client import sync

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED: Final = Path(__file__).resolve().parent.parent / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_PASS_S: Final = 4 / 60  # as it is played
_FIRST_PASSES: Final = 60  # then it has been copied, or is soon
_PASSES: Final = 20
_PLACES: Final = 4  # on each server


def measure(database_url: str, *, rounds: int) -> Iterator[str]:
    """Seconds from the kill to the picture of the step that comes next, of each round, and their median."""
    port = free_port()
    flags = ("--replicas", "2", "--cpus", "0.5", "--max-sessions", str(_PLACES))
    with fleet_server(database_url, port, *flags) as fleet:
        url = f"http://127.0.0.1:{port}"
        away = list[float]()
        for _ in range(rounds):
            away.append(_away(url, fleet.data_dir / "shared" / "copies"))
            yield f"away for {away[-1]:.1f} s"
    yield f"median {statistics.median(away):.1f} s"


def _away(url: str, copies: Path) -> float:
    wait_for_fleet(url, places=2 * _PLACES)
    with sync.connect(url) as world:
        world.init(_SEED, model=_MODEL)
        _walk(world, _FIRST_PASSES)
        wait_until(lambda: any(copies.glob("*/facts.json")), "a copy of the world")
        _walk(world, _PASSES)
        played_on([psutil.Process()], filter(is_server, psutil.process_iter())).kill()
        killed = time.monotonic()
        world.step("W")
        return time.monotonic() - killed


def _walk(world: sync.World, passes: int) -> None:
    for _ in range(passes):
        due = time.monotonic() + _PASS_S
        world.step("W", mouse=(1.5, 0.0))
        time.sleep(max(0.0, due - time.monotonic()))
