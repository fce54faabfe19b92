"""The benchmark of engines: it plays through the real server, and its table can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.engines import Plan, Row, random_models, render, run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_table_has_a_line_for_each_measurement_and_says_what_is_left_out() -> None:
    row = Row("a/b", 2, 1.25, 59.96, 20.4, 36.0, 400.0, None)
    told = render([row, "a/b, 4 sessions: refused"])
    assert "| a/b | 2 | 1.2 | 60.0 | 20 | 36 | 400 | - |" in told
    assert told.endswith("Left out: a/b, 4 sessions: refused")


@pytest.mark.trial
def test_a_toy_is_played_by_two_at_once(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra engines is not installed")
    models = random_models(tmp_path, "toy")
    (row,) = run(Plan(models, sessions=(2,), seconds=1.0, flags=("--models-dir", str(tmp_path))))
    assert isinstance(row, Row)
    assert row.frames_per_s > 0.0
    assert row.latency_p95 >= row.latency_p50 > 0.0
    assert row.ram_mb > 100.0


def test_a_model_that_is_not_there_is_left_out() -> None:
    (told,) = run(Plan(("no/such",), sessions=(1, 2), seconds=1.0))
    assert isinstance(told, str)
    assert "unknownModel" in told
