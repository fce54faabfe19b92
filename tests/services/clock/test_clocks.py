"""What every clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.clock.system_clock import SystemClock
from tests.fakes.fake_clock import FakeClock

if TYPE_CHECKING:
    from services.clock.clock import Clock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=["real", "fake"])
def test_time_does_not_go_back(clock: Clock) -> None:
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
    assert clock.wall() > 1_600_000_000


def test_the_fake_moves_when_told() -> None:
    clock = FakeClock()
    monotonic, wall = clock.monotonic(), clock.wall()
    clock.advance(2.5)
    assert (clock.monotonic() - monotonic, clock.wall() - wall) == (2.5, 2.5)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
