"""Floods of events, on a clock that the test moves."""

from __future__ import annotations

from log_repeats import EventKind, LeftOut, RepeatLimit, kind_of
from tests.fakes.fake_clock import FakeClock

ONE, OTHER = EventKind("a", "info", "one"), EventKind("a", "info", "other")


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.limit = RepeatLimit(self.clock.monotonic, most=3, interval_s=10.0)

    def admitted(self, kind: EventKind, count: int) -> int:
        return sum(self.limit.admits(kind) for _ in range(count))

    def after(self, seconds: float) -> list[LeftOut]:
        self.clock.advance(seconds)
        return list(self.limit.ended())


def test_the_first_ones_are_written_and_the_rest_is_counted() -> None:
    rig = Rig()
    assert rig.admitted(ONE, 100) == 3
    assert rig.admitted(OTHER, 2) == 2
    assert rig.after(9.0) == []
    assert rig.after(1.0) == [LeftOut(ONE, 97, 10.0)]


def test_while_it_goes_on_only_the_number_is_told() -> None:
    rig = Rig()
    rig.admitted(ONE, 100)
    rig.after(10.0)
    assert rig.admitted(ONE, 50) == 0
    assert rig.after(10.0) == [LeftOut(ONE, 50, 10.0)]
    assert rig.admitted(ONE, 2) == 0
    assert rig.after(10.0) == [LeftOut(ONE, 2, 10.0)]
    assert rig.admitted(ONE, 50) == 3, "the flood had ended"


def test_a_quiet_interval_forgets() -> None:
    rig = Rig()
    rig.admitted(ONE, 100)
    rig.after(10.0)
    assert rig.after(10.0) == []
    assert rig.admitted(ONE, 100) == 3


def test_the_end_tells_the_rest() -> None:
    rig = Rig()
    rig.admitted(ONE, 5)
    rig.clock.advance(2.0)
    assert list(rig.limit.everything()) == [LeftOut(ONE, 2, 2.0)]
    assert list(rig.limit.everything()) == []


def test_kinds_without_end_take_no_memory_without_end() -> None:
    rig = Rig()
    for number in range(100_000):
        rig.limit.admits(EventKind("a", "info", f"event {number}"))
    ended = rig.after(10.0)
    assert [each.kind for each in ended] == [EventKind("a", "info", "")]
    assert ended[0].count == 100_000 - 1000 - 3
    assert rig.admitted(ONE, 1) == 1


def test_what_tells_kinds_apart() -> None:
    event = {"logger": "a", "level": "info", "event": "refused", "code": "x", "path": "/1", "reason": "of a client"}
    assert kind_of(event) == kind_of({**event, "path": "/2", "reason": "other"})
    assert kind_of(event) != kind_of({**event, "code": "y"})
    assert kind_of(event) != kind_of({**event, "level": "error"})
    assert kind_of(event) != kind_of({**event, "logger": "b"})
