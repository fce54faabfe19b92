"""The benchmark of the door at toy size: it runs, and reports every row. What it measures there means nothing."""

from __future__ import annotations

import pytest

from benchmarks.crowd import own_address
from benchmarks.door import Plan, render, run
from benchmarks.scenery import SceneSpec


@pytest.mark.trial
@pytest.mark.timeout(180)
def test_a_toy_run_measures_every_row() -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    scene = SceneSpec(width=128, height=72, frames_per_pass=2, fps=60, passes=2)
    results = run(Plan(scene, seconds=0.5, rounds=1, connections=100, slow_connections=3, json_mib=4), address)
    assert results.one_address.before > 0
    assert results.many_addresses.under > 0
    assert None not in results.ended_after.values()
    printed = render(results)
    assert len(printed.splitlines()) == 1 + 6 + 3 + 2
    assert "never" not in printed
