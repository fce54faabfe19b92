"""The benchmark of events at toy size: it runs and compares. What it measures there means nothing."""

from __future__ import annotations

import pytest

from benchmarks.job_events import Plan, render, run
from benchmarks.scenery import SceneSpec


@pytest.mark.trial
def test_a_toy_run_compares_play_with_and_without_events() -> None:
    scene = SceneSpec(width=128, height=72, frames_per_pass=1, fps=30, passes=2)
    results = run(Plan(scene, sessions=1, per_s=200.0, rounds=1, seconds=1.0))
    assert [figures.events_per_s > 0 for figures in (*results.quiet, *results.busy)] == [False, True]
    assert all(figures.p95 > 0 for figures in (*results.quiet, *results.busy))
    assert "p95 with events" in render(results)
