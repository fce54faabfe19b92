"""The printed table: measurements beside the floor, published figures and targets."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.player import CONTROL_INTERVAL_S
from benchmarks.scenery import EXPECTED_JPEG_BYTES, SIZE_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.floor import EncodeFloor, PushFloor
    from benchmarks.measures import Percentiles, PlayFigures, SlowReaderFigures
    from benchmarks.scenery import SceneSpec


_NOTES: Final = (
    "Medians of rounds [least .. most]; latencies are medians of the rounds' percentiles.",
    "published: the existing desktop server on 2 cores, its client's compression on (off).",
    "input to frame: when a pass arrives, the age of the newest control that it has used. Its floor is half a",
    "control's interval plus the encoding and the transport of a pass (plus 40 ms for that engine).",
    "change to frame: from each control to the first pass that has used it or a newer one.",
)


@dataclass(frozen=True, slots=True)
class Round:
    """One round of all measurements. They run one after the other, so that other load affects all of them alike."""

    encoding: EncodeFloor
    pushing: PushFloor
    uncapped: PlayFigures
    capped: PlayFigures
    slow_engine: PlayFigures


@dataclass(frozen=True, slots=True)
class Results:
    scene: SceneSpec
    encoder_threads: int
    mean_jpeg_bytes: float
    pass_copy_ms: float
    rounds: tuple[Round, ...]
    slow_reader: SlowReaderFigures
    slow_reader_s: float


@dataclass(frozen=True, slots=True)
class Row:
    """`published` is the desktop server's figure with its client's compression on (off)."""

    label: str
    measured: str
    published: str = ""
    aim: str = ""


def machine_line(results: Results) -> str:
    scene = results.scene
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{psutil.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"uvicorn {version('uvicorn')}, simplejpeg {version('simplejpeg')}, TCP {_congestion_control()}, "
        f"load {load:.1f}; "
        f"{scene.width}x{scene.height}x{scene.frames_per_pass} at {scene.fps} fps, "
        f"{results.encoder_threads} encoder threads, engine {results.pass_copy_ms:.1f} ms a pass (a copy), "
        f"medians of {len(results.rounds)}"
    )


def _congestion_control() -> str:
    try:
        return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    except OSError:
        return "of the system"


def rows(results: Results) -> list[Row]:
    return [
        *_floor_rows(results),
        *_throughput_rows(results),
        *_latency_rows(results),
        *_cost_rows(results),
        *_slow_reader_rows(results),
    ]


def render(results: Results) -> str:
    head = Row("", "measured", "published", "aim")
    table = [(row.label, row.measured, row.published, row.aim) for row in (head, *rows(results))]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join([machine_line(results), "", *lines, "", *_NOTES])


def _floor_rows(results: Results) -> list[Row]:
    kb = results.mean_jpeg_bytes / 1000
    fits = abs(results.mean_jpeg_bytes / EXPECTED_JPEG_BYTES - 1) <= SIZE_TOLERANCE
    verdict = "" if fits or not results.scene.is_full_size else "  OUT OF RANGE: figures do not compare"
    return [
        Row("JPEG at the best quality, kB", f"{kb:.0f}{verdict}", "188", f"188 +-{SIZE_TOLERANCE:.0%}"),
        Row("floor: encoding alone, frames/s", _spread(results, lambda r: r.encoding.frames_per_s)),
        Row("floor: encoding alone, CPU s/1000 frames", _spread(results, lambda r: r.encoding.cpu_s_per_1000, 2)),
        Row("floor: transport alone, ms/pass", _spread(results, lambda r: r.pushing.ms_per_pass, 2)),
        Row("floor: transport alone, CPU s/1000 frames", _spread(results, lambda r: r.pushing.cpu_s_per_1000, 2)),
    ]


def _throughput_rows(results: Results) -> list[Row]:
    return [
        Row("uncapped frames/s", _spread(results, lambda r: r.uncapped.frames_per_s), "165 (235)", ">= 400"),
        Row(
            "uncapped frames/s / encoding floor",
            _spread(results, lambda r: r.uncapped.frames_per_s / r.encoding.frames_per_s, 2),
        ),
        Row("uncapped kB/frame (falls if quality adapts)", _spread(results, lambda r: r.uncapped.frame_kb)),
        Row("capped frames/s", _spread(results, lambda r: r.capped.frames_per_s, 1), "", f"{results.scene.fps}"),
        Row("40 ms engine, uncapped frames/s", _spread(results, lambda r: r.slow_engine.frames_per_s, 1)),
    ]


def _latency_rows(results: Results) -> list[Row]:
    def both(name: str, figures: Callable[[Round], PlayFigures], published: str, aim: str) -> list[Row]:
        return [
            Row(
                f"{name}: input to frame, ms p50/p95/p99",
                _three(results, lambda r: figures(r).input_to_frame),
                published,
                aim,
            ),
            Row(f"{name}: change to frame, ms p50/p95/p99", _three(results, lambda r: figures(r).change_to_frame)),
        ]

    return [
        *both("capped", lambda r: r.capped, "113 (92), p95 121 (99)", "p50 <= 30"),
        Row("floor: input to frame, ms (see below)", _spread(results, lambda r: _least_latency_ms(results, r), 1)),
        *both("uncapped", lambda r: r.uncapped, "46 (20)", ""),
        *both("40 ms engine", lambda r: r.slow_engine, "89 (67)", "p50 <= 60"),
    ]


def _cost_rows(results: Results) -> list[Row]:
    return [
        Row(
            "uncapped, server CPU s/1000 frames",
            _spread(results, lambda r: r.uncapped.server_cpu_s_per_1000, 2),
            "7.8 (4.1)",
            "< 3.2",
        ),
        Row(
            "uncapped, server CPU / encoding CPU",
            _spread(results, lambda r: r.uncapped.server_cpu_s_per_1000 / r.encoding.cpu_s_per_1000, 2),
        ),
        Row("capped, server CPU s/1000 frames", _spread(results, lambda r: r.capped.server_cpu_s_per_1000, 2)),
        Row("uncapped, /health ms p50/p95/p99", _three(results, lambda r: r.uncapped.health), "", "p95 < 10"),
        Row("uncapped, client's share of a core", _spread(results, lambda r: r.uncapped.client_cpu_share, 2)),
    ]


def _slow_reader_rows(results: Results) -> list[Row]:
    slow, half = results.slow_reader, results.slow_reader_s / 2
    growth = slow.rss_most_after_mb - slow.rss_halfway_mb
    return [
        Row(f"slow reader: server RSS after {half:.0f} s, MB", f"{slow.rss_halfway_mb:.0f}"),
        Row(
            f"slow reader: most in the next {half:.0f} s, MB",
            f"{slow.rss_most_after_mb:.0f} ({growth:+.0f})",
            "",
            "+60",
        ),
        Row(
            "slow reader: age of its frames, ms p50/p95/p99",
            f"{_points(slow.age)}  ({slow.passes} passes)",
            "",
            "p95 <= 1200",
        ),
    ]


def _least_latency_ms(results: Results, each: Round) -> float:
    """The floor of the latency: half a control's interval, plus encoding a pass on all threads, plus its transport."""
    encoding_ms = results.scene.frames_per_pass / each.encoding.frames_per_s * 1000
    return CONTROL_INTERVAL_S / 2 * 1000 + encoding_ms + each.pushing.ms_per_pass


def _spread(results: Results, value: Callable[[Round], float], digits: int = 0) -> str:
    """The median of the rounds, and their range."""
    values = [value(each) for each in results.rounds]
    median = f"{statistics.median(values):.{digits}f}"
    return median if len(values) == 1 else f"{median}  [{min(values):.{digits}f} .. {max(values):.{digits}f}]"


def _three(results: Results, value: Callable[[Round], Percentiles]) -> str:
    """The medians of the rounds' percentiles."""
    each = [value(one) for one in results.rounds]
    return _points(
        type(each[0])(*(statistics.median(getattr(one, name) for one in each) for name in ("p50", "p95", "p99")))
    )


def _points(points: Percentiles) -> str:
    return f"{points.p50:.1f} / {points.p95:.1f} / {points.p99:.1f}"
