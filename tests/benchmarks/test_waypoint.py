"""The benchmark of Waypoint with a toy: it runs, and what it writes can be read. Its numbers mean nothing here."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

from benchmarks.waypoint import Plan, render, run

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]


def test_a_toy_is_measured() -> None:
    results = run(Plan(None, worlds=(2,), steps=2))
    assert results.left_out == []
    told = results.plays["toy, as it is"]
    assert told["step_ms"]["2"] > 0.0
    assert told["first_frames_s"] > told["loaded_s"] > 0.0
    assert told["snapshot_bytes"] > 0
    assert 1e-5 < max(results.parity["bf16"]) < min(results.parity["float32, exact constants"])
    assert "| toy, as it is | 2 |" in render(results)


def test_what_there_was_no_time_for_is_named() -> None:
    assert "Left out: parity: the minutes were over." in render(run(Plan(None, minutes=0.0)))
