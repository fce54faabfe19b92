"""How far sending runs window of a client."""

from __future__ import annotations

from handlers.session.outbox import SendWindow


def test_a_client_that_confirms_nothing_is_not_held_up() -> None:
    window = SendWindow()
    for frame_id in range(100):
        assert window.is_open()
        window.sent(frame_id)


def test_a_slow_reader_has_two_passes_before_it_from_the_first_one_on() -> None:
    window = SendWindow()
    window.read(window.probe(0.0), 0.001)
    first, second = window.sent(0), window.sent(4)
    assert not window.is_open()
    window.read(first, 0.4)
    assert window.is_open()
    window.sent(8)
    assert not window.is_open()
    window.read(second, 0.8)
    assert window.is_open()


def test_a_client_whose_first_receipt_is_still_out_has_two_passes_before_it_too() -> None:
    window = SendWindow()
    window.probe(0.0)
    window.sent(0)
    window.sent(4)
    assert not window.is_open()


def test_a_long_link_may_carry_more() -> None:
    window = SendWindow()
    window.read(window.probe(0.0), 0.3)  # a round trip of 300 ms: four and a half passes
    sent = 0
    while window.is_open():
        window.sent(sent)
        sent += 1
    assert sent == 8


def test_a_receipt_stands_for_all_before_it() -> None:
    window = SendWindow()
    window.probe(0.0)
    numbers = [window.sent(frame_id) for frame_id in range(4)]
    window.read(numbers[-1], 0.1)
    window.sent(9)
    assert window.is_open()


def test_what_a_client_draws_counts_more_than_what_it_has_read() -> None:
    window = SendWindow()
    window.sent(0)
    window.drawn(0, None)
    numbers = [window.sent(4), window.sent(8)]
    window.read(numbers[-1], 0.11)
    assert not window.is_open()
    window.drawn(4, None)
    assert window.is_open()


def test_another_world_starts_with_nothing_unconfirmed() -> None:
    window = SendWindow()
    window.probe(0.0)
    window.sent(0)
    window.sent(4)
    window.begin_epoch(1)
    assert window.is_open()


def test_a_pass_of_an_older_epoch_that_was_drawn_confirms_nothing_of_this_one() -> None:
    window = SendWindow()
    window.begin_epoch(3)
    window.sent(0)
    window.drawn(0, 3)
    window.sent(4)
    window.sent(8)
    window.begin_epoch(4)
    window.sent(0)
    window.sent(4)
    window.drawn(8, 3)
    assert not window.is_open()
    window.drawn(0, 4)
    assert window.is_open()
