"""The memory benchmark at toy size: it runs, and reports every reading. What it measures there means nothing."""

from __future__ import annotations

import pytest

from benchmarks.memory import Plan, render, run
from benchmarks.scenery import SceneSpec


@pytest.mark.trial
def test_a_toy_run_reads_after_the_first_world_and_at_even_distances() -> None:
    scene = SceneSpec(width=128, height=72, frames_per_pass=2, fps=60, passes=2)
    readings = run(Plan(scene, worlds=6, looks=3, frames=2))
    assert [reading.worlds for reading in readings] == [1, 2, 4, 6]
    assert all(reading.rss_mb > 0 for reading in readings)
    assert render(readings).count("\n") == 5
