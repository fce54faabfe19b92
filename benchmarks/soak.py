"""Whether long use fills anything: `python -m benchmarks.soak --minutes N [--players 2] [--seed S] [--out soak.png]`.

Players walk, reset, pause, rewind, change worlds and models, save and open worlds, record, upload pictures and leave,
in an order that the seed decides, against a real server in a process of its own. Prints one row a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.child import terrarium_server
from benchmarks.soak_player import MODELS, SoakPlayer, Tally
from benchmarks.soak_report import Row, draw, head, line, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.child import Child

_LOOK_S: Final = 1.0
_GRAVE: Final = ("error", "critical")


@dataclass(frozen=True, slots=True)
class Plan:
    """`row_s` is how many seconds a row of the table stands for."""

    minutes: float = 60.0
    players: int = 2
    seed: int = 0
    models: Sequence[str] = MODELS
    row_s: float = 60.0


def run(plan: Plan, on_row: Callable[[Row], None] = lambda _row: None) -> list[Row]:
    """Play for that long. `on_row` gets each row when its time has passed."""
    tally, rows = Tally(), list[Row]()
    with terrarium_server() as (child, folder):
        url = f"http://127.0.0.1:{child.port}"
        players = [SoakPlayer(url, Random(f"{plan.seed} {n}"), tally, models=plan.models) for n in range(plan.players)]
        log = _GraveEvents(folder / "logs" / "server.log")
        for player in players:
            player.start()
        try:
            for number in range(1, max(1, round(plan.minutes * 60 / plan.row_s)) + 1):
                rows.append(_measure(child, number, plan.row_s, tally, log))
                on_row(rows[-1])
        finally:
            for player in players:
                player.stop()
    return rows


def _measure(child: Child, number: int, seconds: float, tally: Tally, log: _GraveEvents) -> Row:
    """Look every second. Memory is the median of the looks, the rest is the most that was seen."""
    memory, helpers, descriptors, threads = list[float](), list[float](), list[int](), list[int]()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_LOOK_S, left))
        with suppress(psutil.AccessDenied):
            memory.append(child.rss_mb())
            helpers.append(child.helpers_rss_mb())
            descriptors.append(child.descriptors())
            threads.append(child.threads())
    taken = tally.take()
    return Row(
        minute=number * seconds / 60,
        rss_mb=sorted(memory)[len(memory) // 2],
        helpers_mb=max(helpers),
        descriptors=max(descriptors),
        threads=max(threads),
        frames=taken.frames,
        longest_gap_s=taken.longest_gap_s,
        actions=taken.actions,
        errors=(*taken.errors, *log.new()),
    )


class _GraveEvents:
    """Reads what the server logs as an error. The file starts over when it is rotated."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0

    def new(self) -> list[str]:
        if self._file.stat().st_size < self._read:
            self._read = 0
        with self._file.open("rb") as file:
            file.seek(self._read)
            lines = file.readlines()
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        self._read += sum(map(len, lines))
        events = [json.loads(text) for text in lines]
        return [
            f"log: {event['event']} {event.get('exception', '')}".strip()
            for event in events
            if event["level"] in _GRAVE
        ]


def main() -> None:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=defaults.minutes, help="of play (%(default)s)")
    parser.add_argument("--players", type=int, default=defaults.players, help="at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="decides what they do (%(default)s)")
    parser.add_argument("--model", action="append", help="to play; may be repeated (all that are built in)")
    parser.add_argument("--out", type=Path, help="a picture of the table, as a PNG")
    options = parser.parse_args()
    models = tuple(options.model or MODELS)
    print(head())
    plan = Plan(options.minutes, options.players, options.seed, models)
    rows = run(plan, on_row=lambda row: print(line(row), flush=True))
    for sentence in [sentence for row in rows for sentence in row.errors][:20]:
        print("  error:", sentence)
    print(verdict(rows))
    if options.out is not None:
        draw(rows, options.out)


if __name__ == "__main__":
    main()
