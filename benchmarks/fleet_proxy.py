"""What the way through Ray's proxy costs: the same server by itself and behind the proxy, played on in turns."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.child import fleet_server, terrarium_server
from benchmarks.player import Player
from network.listening_socket import create_listening_socket

_SEED: Final = Path(__file__).resolve().parent.parent / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_SETTLING_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class WayFigures:
    """Of one round: milliseconds from sending a control to the first pass that has used it, and frames a second."""

    p50: float
    p95: float
    frames_per_second: float
    mbit_s: float


def compare(database_url: str, *, seconds: float, rounds: int) -> str:
    """The table: medians of the rounds."""
    port = _free_port()
    with terrarium_server() as (direct, _), fleet_server(database_url, port):
        figures: dict[tuple[bool, bool], list[WayFigures]] = {}
        for _ in range(rounds):
            for capped in (True, False):
                figures.setdefault((False, capped), []).append(_played(direct.port, seconds, capped=capped))
                figures.setdefault((True, capped), []).append(_played(port, seconds, capped=capped))
    lines = ["way             pace      input to frame p50   p95      frames/s   Mbit/s"]
    for (proxied, capped), found in sorted(figures.items(), key=lambda each: (not each[0][1], each[0][0])):
        lines.append(
            f"{'through Ray' if proxied else 'direct':15} {'720p60' if capped else 'no pace':8}"
            f"  {_median(found, 'p50'):14.1f} ms  {_median(found, 'p95'):5.1f} ms"
            f"  {_median(found, 'frames_per_second'):8.1f}  {_median(found, 'mbit_s'):7.1f}"
        )
    return "\n".join(lines)


def _played(port: int, seconds: float, *, capped: bool) -> WayFigures:
    # Ray's proxy compresses for whoever offers it, as browsers do. This client does not, and measures the least.
    with Player(port, _MODEL, seed=_SEED.read_bytes(), capped=capped, offers_compression=False) as player:
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


def _free_port() -> int:
    listener = create_listening_socket("127.0.0.1", 0)
    with listener:
        return int(listener.getsockname()[1])
