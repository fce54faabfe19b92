"""How many worlds a device holds, by what was measured."""

from __future__ import annotations

import pytest

from handlers.engines.admission import MOST_WORLDS, seconds_of_pass, worlds_at_rate
from services.world_engine.engine_pace import EnginePace

INTERVAL_S = 4 / 60


def batched(**measured_ms: float) -> EnginePace:
    """`b2=30`: a batch of two takes 30 ms."""
    return EnginePace({int(size[1:]): ms / 1000 for size, ms in measured_ms.items()}, is_batched=True)


def test_nothing_is_said_before_anything_was_measured() -> None:
    assert worlds_at_rate(batched(), INTERVAL_S, 0.8) is None


def test_worlds_that_are_stepped_one_after_the_other_share_the_time() -> None:
    pace = EnginePace({1: 0.020}, is_batched=False)
    assert seconds_of_pass(pace, 3) == pytest.approx(0.060)
    assert worlds_at_rate(pace, INTERVAL_S, 0.8) == 4  # 80 ms of 83
    assert worlds_at_rate(pace, INTERVAL_S, 1.0) == 3


@pytest.mark.parametrize(
    ("pace", "worlds", "ms"),
    [
        (batched(b1=20), 2, 30),  # half of it is taken for the fixed time
        (batched(b1=20), 3, 40),
        (batched(b1=20, b2=24), 2, 24),
        (batched(b1=20, b2=24), 5, 36),
        (batched(b1=20, b2=24, b4=40), 6, 56),  # the newest slope counts
        (batched(b1=20, b2=24, b4=40), 3, 40),  # no less than a batch that is as large
        (batched(b1=20, b2=18), 4, 18),  # noise makes no larger batch quicker
        (batched(b3=30), 1, 30),
    ],
)
def test_a_batch_that_was_not_measured_is_extrapolated_from_those_that_were(
    pace: EnginePace, worlds: int, ms: float
) -> None:
    assert seconds_of_pass(pace, worlds) == pytest.approx(ms / 1000)


def test_as_many_worlds_are_let_in_as_keep_their_share_of_the_rate() -> None:
    assert worlds_at_rate(batched(b1=20, b2=40), INTERVAL_S, 0.8) == 4
    assert worlds_at_rate(batched(b1=20, b2=40), INTERVAL_S, 0.5) == 6
    assert worlds_at_rate(batched(b1=5, b2=5), INTERVAL_S, 0.8) == MOST_WORLDS


def test_one_world_is_let_in_however_slow_it_is() -> None:
    assert worlds_at_rate(batched(b1=900), INTERVAL_S, 0.8) == 1
