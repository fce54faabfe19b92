"""How often passwords may be tried, on a clock that a test moves."""

from __future__ import annotations

import threading

from error_types import RetryLaterError
from handlers.accounts.throttle import SignInThrottle
from state.app_state_types import AppState
from tests.fakes.fake_clock import FakeClock


def rig() -> tuple[SignInThrottle, FakeClock, AppState]:
    state, clock = AppState(), FakeClock()
    return SignInThrottle(state, threading.RLock(), clock), clock, state


def wait_s(throttle: SignInThrottle, network: str = "192.0.2.1", name_key: str | None = "ann") -> int:
    """Take a slot; 0, or for how many seconds there is none."""
    try:
        throttle.take_slot(network, name_key)
    except RetryLaterError as error:
        return error.retry_after_s
    return 0


def test_the_delay_of_an_account_doubles_up_to_a_minute_and_is_no_lock() -> None:
    throttle, clock, _ = rig()
    waits: list[int] = []
    for number in range(16):
        waits.append(wait_s(throttle, f"192.0.2.{number}"))  # from anywhere
        if waits[-1]:
            clock.advance(waits[-1])
            assert wait_s(throttle, f"192.0.2.{number}") == 0
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]


def test_who_asks_too_early_does_not_make_the_wait_longer() -> None:
    throttle, clock, _ = rig()
    for _ in range(3):
        assert wait_s(throttle) == 0
    assert [wait_s(throttle) for _ in range(50)] == [1] * 50
    clock.advance(1.0)
    assert wait_s(throttle) == 0


def test_an_address_tries_twenty_names_then_waits_longer_than_any_account() -> None:
    throttle, clock, _ = rig()
    for number in range(20):
        assert wait_s(throttle, name_key=f"name{number}") == 0
    assert wait_s(throttle, name_key="another") == 1
    assert wait_s(throttle, "192.0.2.2", "another") == 0, "other addresses do not wait"
    for number in range(12):
        clock.advance(wait_s(throttle, name_key=f"further {number}"))
        assert wait_s(throttle, name_key=f"further {number}") == 0
    assert wait_s(throttle, name_key="the last") == 600


def test_a_success_frees_its_account_and_takes_back_one_attempt_of_its_address() -> None:
    throttle, _, state = rig()
    for _ in range(3):
        throttle.take_slot("192.0.2.1", "ann")
    assert wait_s(throttle) == 1
    throttle.succeeded("192.0.2.1", "ann")
    assert wait_s(throttle) == 0
    for number in range(17):
        assert wait_s(throttle, name_key=f"name{number}") == 0
        throttle.take_slot("192.0.2.2", "eve")
        throttle.succeeded("192.0.2.2", "eve")
    assert wait_s(throttle, name_key="one more") == 1
    assert len([target for target in state.attempts if "192.0.2.2" in str(target)]) == 0


def test_attempts_are_forgotten_after_an_hour() -> None:
    throttle, clock, _ = rig()
    for _ in range(3):
        throttle.take_slot("192.0.2.1", "ann")
    clock.advance(3600.0)
    assert [wait_s(throttle) for _ in range(4)] == [0, 0, 0, 1]


def test_what_is_remembered_is_bounded() -> None:
    throttle, _, state = rig()
    for number in range(5000):
        throttle.take_slot(f"address {number}", f"name {number}")
    assert len(state.attempts) == 4096


def test_of_many_threads_at_once_three_get_a_slot() -> None:
    throttle, _, _ = rig()
    ready, waits = threading.Barrier(20), list[int]()

    def attempt(number: int) -> None:
        ready.wait()
        waits.append(wait_s(throttle, f"192.0.2.{number}"))

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [0] * 3 + [1] * 17


def test_a_refusal_says_when_to_come_again() -> None:
    throttle, clock, _ = rig()
    said: list[str] = []
    for _ in range(30):
        try:
            throttle.take_slot("192.0.2.1")
        except RetryLaterError as error:
            said.append(error.message.removeprefix("Too many attempts have failed. Try again in "))
            clock.advance(error.retry_after_s)
            throttle.take_slot("192.0.2.1")
    assert said[:3] == ["a second.", "2 seconds.", "4 seconds."]
    assert said[-1] == "9 minutes."
