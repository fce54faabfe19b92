"""The benchmark of DIAMOND with a toy: it runs, and what it writes can be read. Its numbers mean nothing here."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from benchmarks.diamond import Plan, render, run

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]


def test_a_toy_is_measured() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = run(Plan(None, worlds=(2,), frames=1))
    finally:
        torch.set_num_threads(threads)
    assert list(results.plays) == ["full, bf16", "full, float32", "fast, bf16", "fast, float32"]
    assert all(played.loaded_s > 0 and played.frame_ms[2] > 0 for played in results.plays.values())
    assert 0 < results.apart < 3
    told = render(results)
    assert "| full, bf16 | 2 |" in told
