"""Measures how fast the server streams: `python -m benchmarks.streaming [--seconds N] [--quick]`."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks import floor
from benchmarks.child import game_server
from benchmarks.measures import SlowReaderFigures, play, read_slowly
from benchmarks.null_engine import INSTANT, SLOW
from benchmarks.report import Results, Round, render
from benchmarks.scenery import SceneSpec, make_passes
from runtime_config.runtime_config import JpegConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.world_engine.world_engine import Frames


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is the length of each measurement in a round."""

    scene: SceneSpec = field(default_factory=SceneSpec)
    seconds: float = 5.0
    rounds: int = 3
    slow_reader_s: float = 120.0
    slow_reader_interval_s: float = 0.4


_DEFAULTS: Final = Plan()


def run(plan: Plan) -> Results:
    """Measure everything. The server runs in a process of its own, which ends with this call."""
    passes = make_passes(plan.scene)
    jpegs = [floor.encode(picture, JpegConfig()) for frames in passes for picture in frames]
    threads = min(4, os.cpu_count() or 1)  # the server's own default
    with game_server(plan.scene) as child:
        rounds: list[Round] = []
        for _ in range(plan.rounds):
            seed, seconds = jpegs[0], plan.seconds
            rounds.append(
                Round(
                    encoding=floor.measure_encoding(passes, seconds, threads=threads),
                    pushing=floor.measure_pushing(_pass_bytes(jpegs, plan.scene), plan.scene.frames_per_pass, seconds),
                    uncapped=play(child, INSTANT, seed, seconds, capped=False),
                    capped=play(child, INSTANT, seed, seconds, capped=True),
                    slow_engine=play(child, SLOW, seed, seconds, capped=False),
                )
            )
    return Results(
        scene=plan.scene,
        encoder_threads=threads,
        mean_jpeg_bytes=sum(map(len, jpegs)) / len(jpegs),
        pass_copy_ms=_copy_ms(passes),
        rounds=tuple(rounds),
        slow_reader=_slow_reader(plan, jpegs[0]),
        slow_reader_s=plan.slow_reader_s,
    )


def _slow_reader(plan: Plan, seed: bytes) -> SlowReaderFigures:
    with game_server(plan.scene) as child:
        return read_slowly(child, INSTANT, seed, plan.slow_reader_s, plan.slow_reader_interval_s)


def _pass_bytes(jpegs: Sequence[bytes], scene: SceneSpec) -> int:
    return sum(map(len, jpegs)) * scene.frames_per_pass // len(jpegs)


def _copy_ms(passes: Sequence[Frames]) -> float:
    """The cost of the null engine: one copy of a pass."""
    times: list[float] = []
    for at in range(15):
        began = time.monotonic()
        passes[at % len(passes)].copy()
        times.append((time.monotonic() - began) * 1000)
    return sorted(times)[len(times) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=_DEFAULTS.seconds, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=_DEFAULTS.rounds, help="of all measurements (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s, and 12 s of the slow reader")
    options = parser.parse_args()
    plan = Plan(seconds=options.seconds, rounds=options.rounds)
    if options.quick:
        plan = Plan(seconds=2.0, rounds=1, slow_reader_s=12.0)
    print(render(run(plan)))


if __name__ == "__main__":
    main()
