"""The benchmark of the start: it runs, and a server without jobs loads neither SQLAlchemy nor Alembic."""

from __future__ import annotations

import pytest

from benchmarks.start_cost import render, run


@pytest.mark.trial
def test_a_run_measures_both_parts() -> None:
    results = run(1)
    assert min(results.opening.ms, results.imports.ms) > 0
    assert "without jobs" in render(results)
