"""The streaming benchmark at toy size: it runs, and reports every row. What it measures there means nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from benchmarks.measures import percentiles
from benchmarks.report import render, rows
from benchmarks.scenery import SceneSpec, make_passes
from benchmarks.streaming import Plan, run
from tests.waiting import deadline_s

ROOT: Final = Path(__file__).parent.parent.parent
TOY: Final = SceneSpec(width=128, height=72, frames_per_pass=2, fps=60, passes=2)


@pytest.mark.trial
def test_a_toy_run_measures_every_row() -> None:
    results = run(Plan(TOY, seconds=1.5, rounds=1, slow_reader_s=3.0, slow_reader_interval_s=0.05))
    (only,) = results.rounds
    for figures in (only.uncapped, only.capped, only.slow_engine):
        assert figures.frames_per_s > 0
        assert figures.input_to_frame.p50 > 0
        assert figures.change_to_frame.p50 > 0
        assert figures.health.p50 > 0
    assert results.slow_reader.passes > 0
    table = rows(results)
    assert {row.label.split(":")[0] for row in table} >= {"floor", "capped", "uncapped", "40 ms engine", "slow reader"}
    assert not [row for row in table if "nan" in row.measured]
    printed = render(results)
    assert all(row.label in printed and row.measured in printed for row in table)


def test_the_pictures_are_the_same_in_every_process() -> None:
    first, again = make_passes(TOY), make_passes(TOY)
    assert len(first) == TOY.passes
    assert first[0].shape == (TOY.frames_per_pass, TOY.height, TOY.width, 3)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])


def test_percentiles_are_by_nearest_rank() -> None:
    points = percentiles([float(value) for value in range(100, 0, -1)])
    assert (points.p50, points.p95, points.p99) == (51.0, 96.0, 100.0)


def test_the_command_explains_itself() -> None:
    command = [sys.executable, "-m", "benchmarks.streaming", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=deadline_s(), check=True).stdout
    assert "--quick" in shown
    assert "--seconds" in shown
