"""Whether an engine waits in host memory, on machines of every size."""

from __future__ import annotations

import pytest

from services.memory_planner.parking_plan import DoNotPark, HostMemory, Leaving, Park, ParkingPlan, plan_parking

GIB = 1 << 30


def memory(free: float | None, total: float | None = 64, limit: float | None = None) -> HostMemory:
    """In GiB."""
    return HostMemory(*(None if each is None else int(each * GIB) for each in (free, total, limit)))


def leaving(moves: float, holds: float | None = None, next_ram: float = 0) -> Leaving:
    return Leaving(int(moves * GIB), int((moves if holds is None else holds) * GIB), int(next_ram * GIB))


@pytest.mark.parametrize(
    ("engine", "waiting", "here", "plan"),
    [
        (leaving(10), [], memory(18), Park()),
        (leaving(10), [], memory(17.9), "It needs 10.0 GiB more of memory, of which 17.9 GiB are free."),
        (leaving(10, next_ram=4), [], memory(18), "It needs 10.0 GiB"),
        (leaving(10, next_ram=4), [], memory(22), Park()),
        (leaving(10), [], memory(12, total=8), Park()),
        (leaving(10), [4, 4], memory(14), Park(1)),
        (leaving(10), [4, 4], memory(10), Park(2)),
        (leaving(10), [4, 4], memory(9), "It needs 10.0 GiB"),
        (leaving(10), [], memory(60, limit=0), "The settings keep no engine"),
        (leaving(0, holds=3), [], memory(60, limit=2), "It holds 3.0 GiB, and the settings allow 2.0 GiB."),
        (leaving(0, holds=3), [3, 3], memory(60, limit=7), Park(1)),
        (leaving(10), [], memory(None), "Nobody knows"),
        (leaving(10), [8], memory(None, limit=12), Park(1)),
        (leaving(0, holds=0), [], memory(8), Park()),
    ],
)
def test_it_goes_by_what_is_free_and_what_may_be_used(
    engine: Leaving, waiting: list[int], here: HostMemory, plan: ParkingPlan | str
) -> None:
    found = plan_parking(engine, [each * GIB for each in waiting], here)
    if isinstance(plan, str):
        assert isinstance(found, DoNotPark)
        assert found.reason.startswith(plan)
    else:
        assert found == plan
