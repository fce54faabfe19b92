"""The benchmark of long walks at toy size: it runs, and reports every step. What it measures there means nothing."""

from __future__ import annotations

import pytest

from benchmarks.long_walks import render, run


@pytest.mark.trial
def test_a_toy_run_reports_every_step() -> None:
    walk = run(1000, 30)
    assert walk.passes == 1000
    assert [cost.took_s > 0 for cost in walk.costs] == [True] * 5
    assert render([walk]).count("\n") == 8
