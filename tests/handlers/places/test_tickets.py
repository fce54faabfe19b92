"""Tickets to one server of a fleet."""

from __future__ import annotations

import base64

import pytest

from access_rules import Anonymous, Owner, Person
from error_types import DomainError, ErrorCode
from handlers.places.tickets import TICKET_S, Ticket, TicketGate, write_ticket
from services.account_store.account import Role, Scope
from sign_in import Caller, NeverRevoked, NoCredential, OfMachine, OfSession, OfToken
from tests.fakes.fake_clock import FakeClock

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NORTH, EAST = "0f" * 8, "1e" * 8
PLAYER = Person("ann", "Änn", Role.PLAYER, frozenset({Scope.READ, Scope.PLAY}))
CALLERS = [
    Caller(Owner(), OfMachine(), NeverRevoked(), "127.0.0.1", is_local=True, is_secure=False),
    Caller(PLAYER, OfSession("s1"), NeverRevoked(), "192.0.2.7", is_local=False, is_secure=True),
    Caller(PLAYER, OfToken("t1"), NeverRevoked(), "192.0.2.7", is_local=False, is_secure=True),
    Caller(Anonymous("192.0.2.7"), NoCredential(), NeverRevoked(), "192.0.2.7", is_local=False, is_secure=False),
]


class Gate:
    def __init__(self, server: str = NORTH, key: bytes = KEY) -> None:
        self.clock = FakeClock()
        self.gate = TicketGate(server, key, self.clock)

    def ticket(self, session: str = "01020304", server: str = NORTH, key: bytes = KEY) -> str:
        return write_ticket(Ticket(session, server, CALLERS[1], self.clock.wall() + TICKET_S), key)

    def refusal(self, ticket: str) -> ErrorCode:
        with pytest.raises(DomainError) as refused:
            self.gate.take(ticket)
        return refused.value.code


@pytest.mark.parametrize("caller", CALLERS, ids=["owner", "session", "token", "anonymous"])
def test_a_ticket_lets_in_whom_it_was_written_for(caller: Caller) -> None:
    gate = Gate()
    entrant = gate.gate.take(write_ticket(Ticket("01020304", NORTH, caller, gate.clock.wall() + 1), KEY))
    assert entrant.session_id == "01020304"
    known = entrant.caller
    assert (known.visitor, known.credential, known.network) == (caller.visitor, caller.credential, caller.network)
    assert (known.is_local, known.is_secure) == (caller.is_local, caller.is_secure)


def test_a_ticket_is_good_once_and_for_a_while() -> None:
    gate = Gate()
    first, second, late = gate.ticket("01" * 4), gate.ticket("02" * 4), gate.ticket("03" * 4)
    gate.gate.take(first)
    assert gate.refusal(first) is ErrorCode.TICKET_USED
    gate.clock.advance(TICKET_S - 1)
    gate.gate.take(second)
    assert gate.refusal(first) is ErrorCode.TICKET_USED
    gate.clock.advance(1)
    assert {gate.refusal(ticket) for ticket in (first, second, late)} == {ErrorCode.TICKET_EXPIRED}


def test_a_ticket_of_another_server_or_nobody_lets_nobody_in() -> None:
    gate = Gate()
    foreign = [gate.ticket(key=OTHER_KEY), gate.ticket(server=EAST, key=OTHER_KEY), gate.ticket(server=EAST)]
    made_up = ["", "x", "é", "A" * 43, "A" * 44, "AAAA" * 5000, base64.urlsafe_b64encode(b"{}" * 40).decode()]
    for ticket in (*foreign, *made_up):
        assert gate.refusal(ticket) is ErrorCode.TICKET_INVALID


def test_no_part_of_a_ticket_can_be_changed() -> None:
    gate = Gate()
    ticket = gate.ticket()
    data = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        assert gate.refusal(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")) is ErrorCode.TICKET_INVALID
    gate.gate.take(ticket)
