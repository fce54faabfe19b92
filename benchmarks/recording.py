"""Measures what recording costs: `python -m benchmarks.recording [--seconds N] [--quick]`."""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.child import game_server
from benchmarks.null_engine import SLOW
from benchmarks.recording_measures import (
    PlayCost,
    SlowEncoderFigures,
    WriterFigures,
    encode_passes,
    measure_slow_encoder,
    measure_writer,
    play_and_record,
)
from benchmarks.scenery import SceneSpec, make_passes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NOTES: Final = (
    "A walk through a shipped picture. The engine takes 40 ms per pass and no CPU, capped at the scene's frame rate.",
    "Medians of rounds [least .. most]. Recording is off and on alternately, so that other load affects both alike.",
    "CPU is that of the server and its ffmpeg until the file is complete, per 1,000 frames sent.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is the length of each measurement in a round."""

    scenes: tuple[SceneSpec, ...] = field(
        default_factory=lambda: (
            SceneSpec(640, 360, frames_per_pass=2, fps=30, passes=60, is_walk=True),
            SceneSpec(1280, 720, frames_per_pass=4, fps=60, passes=30, is_walk=True),
        )
    )
    seconds: float = 10.0
    rounds: int = 3
    slow_encoder_s: float = 30.0
    slow_encoder_speed: float = 0.25


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one scene. What was played has one entry per round, without a recording and with one."""

    scene: SceneSpec
    off: tuple[PlayCost, ...]
    on: tuple[PlayCost, ...]
    video_off: tuple[PlayCost, ...]  # played as H.264
    video_on: tuple[PlayCost, ...]
    writer: WriterFigures
    slow_encoder: SlowEncoderFigures


def run(plan: Plan) -> list[Results]:
    """Measure everything. The server runs in a process of its own."""
    return [_run_scene(plan, scene) for scene in plan.scenes]


def _run_scene(plan: Plan, scene: SceneSpec) -> Results:
    jpegs = encode_passes(make_passes(scene), quality=85, subsampling="420")
    ways = [(as_video, records) for as_video in (False, True) for records in (False, True)]
    costs: dict[tuple[bool, bool], list[PlayCost]] = {way: [] for way in ways}
    with game_server(scene) as child:
        for as_video, records in ways * plan.rounds:
            cost = play_and_record(child, SLOW, jpegs[0][0], plan.seconds, records=records, as_video=as_video)
            costs[as_video, records].append(cost)
    off, on, video_off, video_on = (tuple(costs[way]) for way in ways)
    return Results(
        scene=scene,
        off=off,
        on=on,
        video_off=video_off,
        video_on=video_on,
        writer=measure_writer(jpegs, scene, plan.seconds),
        slow_encoder=measure_slow_encoder(jpegs, scene, plan.slow_encoder_s, plan.slow_encoder_speed),
    )


def render(results: Sequence[Results]) -> str:
    cores, load = os.cpu_count(), psutil.getloadavg()[0]
    lines = [f"Recording, on {cores} cores, load {load:.1f}", *_NOTES]
    for result in results:
        lines += ["", *_render_scene(result)]
    return "\n".join(lines)


def _render_scene(result: Results) -> list[str]:
    scene, writer, slow = result.scene, result.writer, result.slow_encoder
    ways = (result.off, result.on, result.video_off, result.video_on)
    rows: tuple[tuple[str, Callable[[PlayCost], float]], ...] = (
        ("frames/s", lambda cost: cost.frames_per_s),
        ("input to frame p50, ms", lambda cost: cost.input_to_frame.p50),
        ("input to frame p95, ms", lambda cost: cost.input_to_frame.p95),
        ("CPU s / 1,000 frames", lambda cost: cost.cpu_s_per_1000),
    )
    return [
        f"{scene.width}x{scene.height}, {scene.fps} frames/s in passes of {scene.frames_per_pass}",
        f"  {'':26} {'off':>24} {'on':>24} {'H.264, off':>24} {'H.264, on':>24}",
        *(f"  {label:26} {' '.join(f'{_spread(costs, of):>24}' for costs in ways)}" for label, of in rows),
        f"  writer alone: {writer.encode_cpu_s_per_1000:.2f} CPU s / 1,000 frames, {writer.encode_frames_per_s:.0f} "
        f"frames/s at most, {writer.megabits_per_s:.1f} Mbit/s",
        f"  a call of write: {writer.write_us.p50:.0f} us (p99 {writer.write_us.p99:.0f}); "
        f"file complete {writer.complete_after_ms:.0f} ms after the stop",
        f"  an encoder that is too slow: {slow.written} frames written, {slow.in_file} in the file, "
        f"complete after {slow.complete_after_s:.1f} s",
        "      at s   waiting   memory MiB   disk MiB   RSS MiB",
        *(
            f"  {each.at_s:8.1f}  {each.waiting_frames:8}  {each.memory_mib:11.1f}  {each.disk_mib:9.1f}  "
            f"{each.rss_mib:8.0f}"
            for each in slow.samples
        ),
    ]


def _spread(costs: Sequence[PlayCost], of: Callable[[PlayCost], float]) -> str:
    values = [of(cost) for cost in costs]
    return f"{statistics.median(values):.1f} [{min(values):.1f} .. {max(values):.1f}]"


def main() -> None:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=defaults.rounds, help="of play, off and on (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 4 s, and 8 s of the slow encoder")
    options = parser.parse_args()
    plan = Plan(seconds=options.seconds, rounds=options.rounds)
    if options.quick:
        plan = Plan(seconds=4.0, rounds=1, slow_encoder_s=8.0)
    print(render(run(plan)))


if __name__ == "__main__":
    main()
