"""The benchmark of thumbnails at toy size: it runs and compares. What it measures there means nothing."""

from __future__ import annotations

import pytest

from benchmarks.thumbnails import Plan, render, run


@pytest.mark.trial
def test_a_toy_run_compares_both_ways() -> None:
    result = run(Plan(side=1200, count=2))
    assert result.as_a_whole.took_s > 0
    assert result.server.took_s > 0
    assert result.server.gap_ms > 0
    assert "ratio" in render(result)
