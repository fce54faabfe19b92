"""The simulation of a fleet at toy size: what holds whatever the figures are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.fleet import row
from benchmarks.fleet_model import Policy, Scenario, Simulation

SMALL = Scenario(devices=4, newcomers=800, demand=0.9)


@pytest.mark.parametrize("policy", Policy)
def test_the_same_seed_gives_the_same(policy: Policy) -> None:
    assert Simulation(SMALL, policy).run() == Simulation(SMALL, policy).run()


def test_one_line_for_all_devices_is_shorter() -> None:
    joint, apart = (Simulation(SMALL, policy).run() for policy in Policy)
    assert sum(joint.waits) < sum(apart.waits)
    assert joint.loads < apart.loads
    assert 0 < apart.used <= 1
    assert 0 < joint.used <= 1


def test_nobody_waits_where_there_is_room() -> None:
    empty = replace(SMALL, demand=0.05, mean_life_s=1e12)
    outcome = Simulation(empty, Policy.JOINT).run()
    assert (max(outcome.waits), outcome.cut) == (0.0, 0)
    assert outcome.starts[0] == empty.load_s


def test_who_is_cut_off_comes_back() -> None:
    frail = replace(SMALL, mean_life_s=3600.0, demand=0.5)
    outcome = Simulation(frail, Policy.JOINT).run()
    assert outcome.cut > 0
    assert len(outcome.waits) > SMALL.newcomers * 0.9
    assert "the fleet's" in row(frail, Policy.JOINT)
