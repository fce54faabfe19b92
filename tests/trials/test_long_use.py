"""The benchmarks of long use, at a length that fits beside other trials, with their aims."""

from __future__ import annotations

import pytest

from benchmarks import memory, soak

pytestmark = [pytest.mark.trial, pytest.mark.timeout(400)]


def test_three_hundred_worlds_leave_memory_where_it_was() -> None:
    readings = memory.run(memory.Plan())
    print(memory.render(readings))  # noqa: T201 - the finding
    assert readings[-1].worlds == 300
    # The allocator keeps some 40 MB more at one moment than at the next, so the least of the later readings counts.
    later = [reading.rss_mb for reading in readings if reading.worlds > 150]
    assert min(later) - readings[0].rss_mb < memory.AIM_MB


def test_two_minutes_of_everything_go_without_an_error() -> None:
    rows = soak.run(soak.Plan(minutes=2.0, seed=7))
    assert [error for row in rows for error in row.errors] == []
    assert all(row.frames for row in rows)
