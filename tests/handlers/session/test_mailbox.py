"""The mailbox of controls."""

from __future__ import annotations

from handlers.session.mailbox import InputMailbox
from wire_protocol import KEY_CODES

W, A, UP = KEY_CODES["W"], KEY_CODES["A"], KEY_CODES["SCROLL_UP"]


def _put(
    box: InputMailbox, *buttons: int, dx: float = 0, dy: float = 0, ts: float | None = None, at: float = 0
) -> None:
    box.put(frozenset(buttons), dx, dy, ts, at)


def test_keys_held_at_any_moment_of_the_interval_count() -> None:
    box = InputMailbox()
    _put(box, W)
    _put(box)
    _put(box, A)
    assert box.take().control.buttons == {W, A}
    assert box.take().control.buttons == {A}


def test_a_key_that_was_let_go_in_the_interval_still_counts_in_it() -> None:
    box = InputMailbox()
    _put(box, W)
    box.take()
    _put(box)
    assert box.take().control.buttons == set()


def test_motion_is_summed_once() -> None:
    box = InputMailbox()
    _put(box, dx=2, dy=-1)
    _put(box, dx=3)
    taken = box.take().control
    assert (taken.mouse_dx, taken.mouse_dy) == (5, -1)
    again = box.take().control
    assert (again.mouse_dx, again.mouse_dy) == (0, 0)


def test_motion_stays_finite_whatever_is_sent() -> None:
    box = InputMailbox()
    for _ in range(3):
        _put(box, dx=1e308, dy=-1e308)
    taken = box.take().control
    assert (taken.mouse_dx, taken.mouse_dy) == (30_000, -30_000)


def test_a_wheel_notch_is_momentary() -> None:
    box = InputMailbox()
    _put(box, UP, W)
    assert box.take().control.buttons == {UP, W}
    assert box.take().control.buttons == {W}


def test_the_newest_time_is_echoed_and_its_receipt_told_once() -> None:
    box = InputMailbox()
    _put(box, ts=5.0, at=1.0)
    _put(box, at=2.0)
    first, second = box.take(), box.take()
    assert (first.client_ts, first.received_at) == (5.0, 2.0)
    assert (second.client_ts, second.received_at) == (5.0, None)


def test_a_control_is_live_for_as_long_as_it_is_held_young() -> None:
    box = InputMailbox()
    assert not box.live(0.0, 0.25)
    _put(box, at=1.0)
    box.take()
    assert box.live(1.24, 0.25)
    assert not box.live(1.25, 0.25)


def test_a_control_that_no_pass_has_read_is_live_however_old_it_is() -> None:
    box = InputMailbox()
    _put(box, at=1.0)
    assert box.live(60.0, 0.25)
    box.take()
    assert not box.live(60.0, 0.25)


def test_clearing_lets_go_of_everything() -> None:
    box = InputMailbox()
    _put(box, W, dx=4, at=1.0)
    box.clear()
    assert box.take().control.buttons == set()
    assert not box.live(1.0, 0.25)
