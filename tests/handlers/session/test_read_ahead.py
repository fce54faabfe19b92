"""How far sending runs ahead of a client."""

from __future__ import annotations

from handlers.session.read_ahead import ReadAhead


def test_a_client_that_confirms_nothing_is_not_held_up() -> None:
    ahead = ReadAhead()
    for frame_id in range(100):
        assert ahead.may_send()
        ahead.sent(frame_id)


def test_a_slow_reader_has_two_passes_before_it_from_the_first_one_on() -> None:
    ahead = ReadAhead()
    ahead.read(ahead.probe(0.0), 0.001)
    first, second = ahead.sent(0), ahead.sent(4)
    assert not ahead.may_send()
    ahead.read(first, 0.4)
    assert ahead.may_send()
    ahead.sent(8)
    assert not ahead.may_send()
    ahead.read(second, 0.8)
    assert ahead.may_send()


def test_a_client_whose_first_receipt_is_still_out_has_two_passes_before_it_too() -> None:
    ahead = ReadAhead()
    ahead.probe(0.0)
    ahead.sent(0)
    ahead.sent(4)
    assert not ahead.may_send()


def test_a_long_link_may_carry_more() -> None:
    ahead = ReadAhead()
    ahead.read(ahead.probe(0.0), 0.3)  # a round trip of 300 ms: four and a half passes
    sent = 0
    while ahead.may_send():
        ahead.sent(sent)
        sent += 1
    assert sent == 8


def test_a_receipt_stands_for_all_before_it() -> None:
    ahead = ReadAhead()
    ahead.probe(0.0)
    numbers = [ahead.sent(frame_id) for frame_id in range(4)]
    ahead.read(numbers[-1], 0.1)
    ahead.sent(9)
    assert ahead.may_send()


def test_what_a_client_draws_counts_more_than_what_it_has_read() -> None:
    ahead = ReadAhead()
    ahead.sent(0)
    ahead.drawn(0)
    numbers = [ahead.sent(4), ahead.sent(8)]
    ahead.read(numbers[-1], 0.11)
    assert not ahead.may_send()
    ahead.drawn(4)
    assert ahead.may_send()


def test_another_world_starts_with_nothing_unconfirmed() -> None:
    ahead = ReadAhead()
    ahead.probe(0.0)
    ahead.sent(0)
    ahead.sent(4)
    ahead.forget()
    assert ahead.may_send()
