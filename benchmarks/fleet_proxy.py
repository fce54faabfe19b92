"""What the ways into a fleet cost: the same server by itself, through Ray's proxy, and by ticket, in turns."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from benchmarks.child import fleet_server, free_port, terrarium_server
from benchmarks.player import Player, admitted

_SEED: Final = Path(__file__).resolve().parent.parent / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_SETTLING_S: Final = 2.0
_ROWS: Final = {
    "p50, ms": "p50",
    "p95, ms": "p95",
    "frames/s": "frames_per_second",
    "Mbit/s": "mbit_s",
}


@dataclass(frozen=True, slots=True)
class WayFigures:
    """Of one round: milliseconds from sending a control to the first pass that has used it, and frames a second."""

    p50: float
    p95: float
    frames_per_second: float
    mbit_s: float


class Way(Enum):
    """`SOCKET`: to a server that is alone. `PROXY`: through Ray's. `TICKET`: let in there, then to the server."""

    SOCKET = "direct socket"
    PROXY = "through Ray"
    TICKET = "by ticket"


def compare(database_url: str, *, seconds: float, rounds: int) -> str:
    """The table: medians of the rounds. All three ways are played in turns within each."""
    port = free_port()
    figures: dict[tuple[bool, Way], list[WayFigures]] = {}
    with terrarium_server() as (alone, _), fleet_server(database_url, port):
        for _ in range(rounds):
            for capped in (True, False):
                for way in Way:
                    found = _played(alone.port if way is Way.SOCKET else port, way, seconds, capped=capped)
                    figures.setdefault((capped, way), []).append(found)
    lines = [f"{'pace':8}  {'':16}" + "".join(f"{way.value:>15}" for way in Way)]
    for capped in (True, False):
        for title, name in _ROWS.items():
            values = "".join(f"{_median(figures[capped, way], name):15.1f}" for way in Way)
            lines.append(f"{'720p60' if capped else 'no pace':8}  {title:16}{values}")
    return "\n".join(lines)


def _played(port: int, way: Way, seconds: float, *, capped: bool) -> WayFigures:
    seed, query = _SEED.read_bytes(), ""
    if way is Way.TICKET:
        port, query = admitted(port, _MODEL, seed=seed)
    # Ray's proxy compresses for whoever offers it, as browsers do. This client does not, and measures the least.
    with Player(port, _MODEL, seed=seed, capped=capped, query=query, offers_compression=False) as player:
        time.sleep(_SETTLING_S)
        began = time.monotonic()
        time.sleep(seconds)
        arrivals = [each for each in player.arrivals if each.at >= began and each.newest_control > 0]
    took_s = arrivals[-1].at - arrivals[0].at
    ages = [(each.at - each.newest_control) * 1000 for each in arrivals]
    cuts = statistics.quantiles(ages, n=100)
    return WayFigures(
        p50=cuts[49],
        p95=cuts[94],
        frames_per_second=sum(each.frames for each in arrivals[1:]) / took_s,
        mbit_s=sum(each.size for each in arrivals[1:]) * 8 / took_s / 1e6,
    )


def _median(found: list[WayFigures], name: str) -> float:
    return statistics.median(getattr(each, name) for each in found)
