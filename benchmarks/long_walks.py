"""Measures what walks of many hours cost those who play meanwhile: `python -m benchmarks.long_walks [--hours N]`.

The work is that of a server's threads: a walk is saved, read from a file as it is uploaded or opened, and made the past
of a world. An event loop beside it notes by how much it wakes too late.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import psutil

from handlers.session.path import Moment
from handlers.session.world import copy_path, past_of
from services.input_log.columns import InputColumns, PassInput
from services.input_log.pictures import pixels_hash
from services.world_engine.world_engine import ControlPayload, WorldSnapshot
from services.world_files.archive import read_world, write_world
from services.world_files.world_file import (
    Check,
    ModelFacts,
    Origins,
    SeedFacts,
    Tolerance,
    WorldFilePayload,
    WorldMoment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TICK_S: Final = 0.001
_IDLE_S: Final = 3.0
_CHECK_EVERY: Final = 64  # passes
_KEYS: Final = (frozenset({0x57}), frozenset({0x57, 0x10}), frozenset[int](), frozenset({0x57, 0x41}))
_HELD_FOR: Final = 40  # passes
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu_s` is about what it takes on an idle machine.

    `longest_gap_ms`: how late the event loop woke at most. `memory_mib`: by how much the process grew at most.
    """

    what: str
    took_s: float
    cpu_s: float
    longest_gap_ms: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class WalkCosts:
    passes: int
    file_mib: float
    costs: tuple[Cost, ...]


def run(passes: int, fps: int) -> WalkCosts:
    """Measure a walk of so many passes, at `fps` passes a second."""
    walk, file = make_walk(passes, fps), io.BytesIO()
    nothing = _beside_play("nothing, for comparison", lambda: time.sleep(_IDLE_S))
    saved = _beside_play("save", lambda: write_world(walk, file))
    data = file.getvalue()
    read = _beside_play("upload: read and check", lambda: read_world(io.BytesIO(data)))
    opened = _beside_play("open: read, check, and take as the past", lambda: past_of(read_world(io.BytesIO(data))))
    past = past_of(walk)
    captured = _on_the_loop("capture for a save, on the event loop", lambda: copy_path(Moment(past, past.length)))
    return WalkCosts(passes, len(data) / _MIB, (nothing, saved, read, opened, captured))


def make_walk(passes: int, fps: int) -> WorldFilePayload:
    """A walk as a person's keys and mouse would make it, with the checks that a session writes."""
    numbers = np.random.default_rng(7)
    motion = np.round(numbers.normal(0, 12, (passes, 2)) * (numbers.random((passes, 1)) < 0.5), 2)
    late = numbers.random(passes) / 1000
    inputs = InputColumns()
    for number in range(passes):
        dx, dy = motion[number].tolist()
        control = ControlPayload(_KEYS[number // _HELD_FOR % len(_KEYS)], dx, dy)
        ts = 1.7e9 + number / fps
        inputs.append(PassInput(control, ts + float(late[number]), ts))
    seed = np.zeros((36, 64, 3), dtype=np.uint8)
    name = pixels_hash(seed)
    return WorldFilePayload(
        title="A long walk",
        created_at=1.7e9 + passes / fps,
        model=ModelFacts(
            id="none/at-all", quant="none", weights_hash="f00d", frames_per_pass=1, fps=fps, width=64, height=36
        ),
        rng_seed=1,
        seed=SeedFacts(picture=name, file=None),
        base=None,
        place=WorldMoment(passes, WorldSnapshot("none/at-all", "f00d", b"state"), name),
        place_picture=None,
        inputs=inputs,
        changes=(),
        checks=tuple(Check(number, f"{number:064x}") for number in range(_CHECK_EVERY, passes + 1, _CHECK_EVERY)),
        pictures={name: seed},
        made_with=Origins(versions={}, machine=""),
        tolerance=Tolerance(),
    )


def _beside_play(what: str, work: Callable[[], object]) -> Cost:
    async def watch() -> Cost:
        loop, process = asyncio.get_running_loop(), psutil.Process()
        before = most = process.memory_info().rss
        longest, began, cpu_began = 0.0, time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(1) as thread:
            running = loop.run_in_executor(thread, work)
            while not running.done():
                slept = time.perf_counter()
                await asyncio.sleep(_TICK_S)
                longest = max(longest, time.perf_counter() - slept - _TICK_S)
                most = max(most, process.memory_info().rss)
            took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
            await running
        return Cost(what, took_s, cpu_s, longest * 1000, (most - before) / _MIB)

    return asyncio.run(watch())


def _on_the_loop(what: str, work: Callable[[], object]) -> Cost:
    process = psutil.Process()
    before, began = process.memory_info().rss, time.perf_counter()
    kept = work()
    took_s, after = time.perf_counter() - began, process.memory_info().rss
    del kept
    return Cost(what, took_s, took_s, took_s * 1000, (after - before) / _MIB)


def render(walks: Sequence[WalkCosts]) -> str:
    lines = [f"Long walks, on {os.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}"]
    for walk in walks:
        lines.append(f"\n{walk.passes:,} passes, a file of {walk.file_mib:.1f} MiB")
        lines.append(f"  {'':42} {'took s':>8} {'CPU s':>6} {'longest gap ms':>15} {'memory MiB':>11}")
        lines += map(_render_cost, walk.costs)
    return "\n".join(lines)


def _render_cost(cost: Cost) -> str:
    times = f"{cost.took_s:8.2f} {cost.cpu_s:6.2f} {cost.longest_gap_ms:15.1f}"
    return f"  {cost.what:42} {times} {cost.memory_mib:11.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0, help="of play (%(default)s)")
    parser.add_argument("--rates", type=int, nargs="+", default=[30, 60], help="passes a second (30 60)")
    options = parser.parse_args()
    print(render([run(int(options.hours * 3600 * rate), rate) for rate in options.rates]))


if __name__ == "__main__":
    main()
