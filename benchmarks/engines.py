"""How engines play through the real server: `python -m benchmarks.engines [MODEL ...] [--sessions 1,2,4,8] [--quick]`.

For each model and each number of sessions at once: frames a second of one session, input-to-frame latency, and memory.
Flags after `--` go to the server, such as `-- --models-dir FOLDER`. `--random-weights full` writes Waypoint-1.5 in both
sizes with random weights first (`toy`: a toy, for a processor), as what a step takes does not depend on the weights.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from benchmarks.child import terrarium_server
from benchmarks.measures import percentiles
from benchmarks.player import Player, PlayerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.child import Child

_START_LIMIT_S: Final = 600.0  # a first start compiles
_WARM_UP_S: Final = 1.0
_SIZES: Final = (("Overworld/Waypoint-1.5-1B", 16, 32), ("Overworld/Waypoint-1.5-1B-360P", 8, 16))


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` are measured for each number of `sessions`. `flags` are the server's."""

    models: tuple[str, ...]
    sessions: tuple[int, ...] = (1, 2, 4, 8)
    seconds: float = 10.0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """`start_s` is from the first session's `init` to its first frame, the load included. Latencies in milliseconds."""

    model: str
    sessions: int
    start_s: float
    frames_per_s: float  # of the slowest session
    latency_p50: float
    latency_p95: float
    ram_mb: float  # of the server and its processes
    vram_mb: float | None  # of the whole card


def run(plan: Plan) -> Iterator[Row | str]:
    """A row for each measurement, or a sentence that says why there is none. Each has a server of its own."""
    for model in plan.models:
        for count in plan.sessions:
            # Whoever measures wants to see what more worlds cost than a player would be let in to.
            admits = ("--max-sessions", str(count + 1), "--least-rate-percent", "0")
            flags = ("--seed-safety", "off", *admits, *plan.flags)
            with terrarium_server(*flags) as (child, _):
                try:
                    yield _measure(child, model, count, plan.seconds)
                except (PlayerError, OSError) as error:
                    yield f"{model}, {count} sessions: {error}"
                    break  # more of them will not do either


def _measure(child: Child, model: str, count: int, seconds: float) -> Row:
    seed = _picture()
    with ExitStack() as stack:
        began, started, players = time.monotonic(), list[float](), list[Player]()
        for _ in range(count):
            player = Player(child.port, model, seed=seed, capped=True, start_limit_s=_START_LIMIT_S)
            started.append(time.monotonic() - began)
            players.append(stack.enter_context(player))
        time.sleep(_WARM_UP_S)
        since = time.monotonic()
        time.sleep(seconds)
        until = time.monotonic()
        ram, vram = child.rss_mb() + child.helpers_rss_mb(), _vram_mb()
    arrived = [[one for one in player.arrivals if since <= one.at < until] for player in players]
    ages = [1000 * (one.at - one.newest_control) for each in arrived for one in each if one.newest_control]
    latency = percentiles(ages)
    slowest = min(sum(one.frames for one in each) for each in arrived) / (until - since)
    return Row(model, count, started[0], slowest, latency.p50, latency.p95, ram, vram)


def _vram_mb() -> float | None:
    from services.system_monitor.psutil_system_monitor import PsutilSystemMonitor

    used = PsutilSystemMonitor().usage().vram_used_bytes
    return None if used is None else used / 1e6


def _picture() -> bytes:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((1280, 720), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def render(rows: Sequence[Row | str]) -> str:
    lines = [
        "| model | sessions | first frame, s | frames/s each | input to frame, ms p50 | p95 | RAM, MB | VRAM, MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        if isinstance(row, Row):
            vram = "-" if row.vram_mb is None else f"{row.vram_mb:.0f}"
            lines.append(
                f"| {row.model} | {row.sessions} | {row.start_s:.1f} | {row.frames_per_s:.1f} | {row.latency_p50:.0f} "
                f"| {row.latency_p95:.0f} | {row.ram_mb:.0f} | {vram} |"
            )
    left_out = [f"Left out: {row}" for row in rows if isinstance(row, str)]
    return "\n".join([*lines, *(["", *left_out] if left_out else [])])


def random_models(folder: Path, size: str) -> tuple[str, ...]:
    """Write Waypoint-1.5 with random weights as `folder/OWNER/NAME`; the names. `size` is "full" or "toy"."""
    import torch

    from benchmarks.waypoint_models import toy, waypoint_1_5, write_models

    configs = {name: waypoint_1_5(rows, columns) for name, rows, columns in _SIZES}
    if size == "toy":
        configs = {_SIZES[0][0]: toy()}
    write_models(folder, configs, "cuda" if torch.cuda.is_available() else "cpu")
    return tuple(configs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="ids of engines (default: terrarium/diorama)")
    parser.add_argument("--sessions", default="1,2,4,8", help="numbers of sessions at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="1 and 4 sessions, three seconds each")
    parser.add_argument("--random-weights", choices=("full", "toy"), help="measure Waypoint-1.5 with random weights")
    told, flags = parser.parse_known_args()
    sessions = (1, 4) if told.quick else tuple(int(count) for count in told.sessions.split(","))
    seconds = 3.0 if told.quick else told.seconds
    flags = tuple(flag for flag in flags if flag != "--")
    with tempfile.TemporaryDirectory() as folder:
        models = tuple(told.models) or ("terrarium/diorama",)
        if told.random_weights is not None:
            models = random_models(Path(folder), told.random_weights)
            flags = (*flags, "--models-dir", folder)
        print(render(list(run(Plan(models, sessions, seconds, flags)))))


if __name__ == "__main__":
    main()
