"""The numbers at the door, on a clock that the test moves."""

from __future__ import annotations

import pytest

from logging_policy import configure_logging
from network._descriptors import connection_limit
from network._door import Door, Place, Refusal
from runtime_config.current import Current
from tests.fakes.fake_clock import FakeClock

CHANCE_S = 1.0


class Guest:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.turned_away = False
        place.taken_by(self)

    def turn_away(self) -> None:
        self.turned_away = True


class Rig:
    def __init__(self, *, most: int = 8, most_per_address: int = 4) -> None:
        self.clock = FakeClock()
        self.door = Door(
            most=Current.fixed(most),
            most_per_address=Current.fixed(most_per_address),
            chance_s=CHANCE_S,
            clock=self.clock.monotonic,
        )

    def enter(self, host: str) -> Guest:
        place = self.door.admit(host)
        assert isinstance(place, Place)
        self.clock.advance(0.001)
        return Guest(place)

    def busy(self, host: str) -> Guest:
        guest = self.enter(host)
        guest.place.in_use()
        return guest


def test_an_address_has_its_limit_and_others_come_in() -> None:
    rig = Rig()
    guests = [rig.busy("203.0.113.1") for _ in range(4)]
    assert rig.door.admit("203.0.113.1") is Refusal.ADDRESS_FULL
    rig.busy("203.0.113.2")
    guests[0].place.leave()
    guests[0].place.leave()
    rig.busy("203.0.113.1")
    assert rig.door.admit("203.0.113.1") is Refusal.ADDRESS_FULL, "leaving twice gives one place"


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.1", "203.0.113.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_who_has_a_network_has_one_address(one: str, another: str, *, same: bool) -> None:
    rig = Rig()
    for _ in range(4):
        rig.busy(one)
    assert (rig.door.admit(another) is Refusal.ADDRESS_FULL) == same


def test_strangers_cannot_take_the_places_of_this_machine() -> None:
    rig = Rig()
    for number in range(8):
        rig.busy(f"203.0.113.{number}")
    assert rig.door.admit("203.0.113.99") is Refusal.DOOR_FULL
    for _ in range(8):
        rig.busy("127.0.0.1")
    assert rig.door.admit("::1") is Refusal.DOOR_FULL


def test_the_oldest_silent_one_gives_way_and_nobody_who_is_served() -> None:
    rig = Rig()
    served = rig.busy("203.0.113.1")
    silent = [rig.enter("203.0.113.1") for _ in range(3)]
    rig.clock.advance(CHANCE_S)
    rig.busy("203.0.113.1")
    assert [guest.turned_away for guest in (served, *silent)] == [False, True, False, False]
    rig.busy("203.0.113.1")
    assert [guest.turned_away for guest in (served, *silent)] == [False, True, True, False]


def test_whoever_was_served_goes_after_the_silent_ones() -> None:
    rig = Rig()
    idle = rig.busy("203.0.113.1")
    idle.place.idle()
    silent = [rig.enter("203.0.113.1") for _ in range(3)]
    rig.clock.advance(CHANCE_S)
    for _ in range(3):
        rig.busy("203.0.113.1")
    assert not idle.turned_away
    rig.busy("203.0.113.1")
    assert idle.turned_away
    assert all(guest.turned_away for guest in silent)


def test_uploads_go_last_and_requests_never() -> None:
    rig = Rig()
    upload, later, silent, served = (rig.enter("203.0.113.1") for _ in range(4))
    served.place.in_use()
    for guest in (upload, later, upload):
        guest.place.sending()
        rig.clock.advance(CHANCE_S)
    for gone in ([silent], [silent, upload], [silent, upload, later]):
        rig.busy("203.0.113.1")
        assert [guest.turned_away for guest in (silent, upload, later, served)] == [
            guest in gone for guest in (silent, upload, later, served)
        ]
    assert rig.door.admit("203.0.113.1") is Refusal.ADDRESS_FULL


def test_a_newcomer_has_the_chance_to_speak() -> None:
    rig = Rig()
    silent = [rig.enter("203.0.113.1") for _ in range(4)]
    assert rig.door.admit("203.0.113.1") is Refusal.ADDRESS_FULL
    assert not any(guest.turned_away for guest in silent)


def test_a_full_door_takes_the_place_of_a_silent_stranger_from_anywhere() -> None:
    rig = Rig()
    silent = [rig.enter(f"203.0.113.{number}") for number in range(8)]
    rig.clock.advance(CHANCE_S)
    rig.busy("203.0.113.99")
    assert [guest.turned_away for guest in silent] == [True] + [False] * 7


def test_a_lack_of_descriptors_ends_unused_connections_strangers_first() -> None:
    rig = Rig()
    own = rig.enter("127.0.0.1")
    busy = rig.busy("203.0.113.1")
    silent = [rig.enter("203.0.113.1") for _ in range(3)]
    assert rig.door.shed(2) == 0, "each has the chance to speak"
    rig.clock.advance(CHANCE_S)
    assert rig.door.shed(2) == 2
    assert [guest.turned_away for guest in (own, busy, *silent)] == [False, False, True, True, False]
    assert rig.door.shed(16) == 2
    assert own.turned_away
    assert not busy.turned_away


def test_a_flood_at_the_door_is_a_line_a_minute() -> None:
    rig = Rig()
    seen: list[dict[str, object]] = []
    undo = configure_logging("json", None, lambda event: seen.append(dict(event)))
    try:
        for _ in range(4):
            rig.busy("203.0.113.1")
        for _ in range(3000):
            rig.door.admit("203.0.113.1")
        rig.clock.advance(60.0)
        rig.door.admit("203.0.113.1")
    finally:
        undo()
    assert [(event["event"], event["refused"]) for event in seen] == [
        ("Connections are limited", 1),
        ("Connections are limited", 3000),
    ]


@pytest.mark.parametrize(
    ("descriptors", "wanted", "limit"),
    [(65536, None, 1024), (1024, None, 384), (1024, 2000, 384), (65536, 2000, 2000), (256, None, 16), (65536, 8, 8)],
)
def test_the_limit_leaves_descriptors_for_everything_else(descriptors: int, wanted: int | None, limit: int) -> None:
    assert connection_limit(descriptors, wanted) == limit
