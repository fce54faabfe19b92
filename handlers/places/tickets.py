"""Tickets by which somebody who was admitted at one server of a fleet plays on another: signed, short-lived, used once.

A ticket says which session may begin on which server, who plays it and with what rights, and when it is over. It is
signed with the key of the server that it is for. That key is new with each run, so a ticket never outlives the run, and
whoever it is for need only remember for as long as it is good that it was used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, assert_never

from access_rules import Anonymous, Owner, Person, Visitor
from error_types import DomainError, ErrorCode
from services.account_store.account import Role, Scope
from sign_in import Caller, Credential, Entrant, NeverRevoked, NoCredential, OfMachine, OfSession, OfToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.clock.clock import Clock
    from services.peer_store.peer_store import RunId
    from state.app_state_types import SessionId

TICKET_S: Final = 20.0  # from being written to being shown; clocks of a fleet are to agree far better than that
_PURPOSE: Final = b"place:"  # the key signs other things too
_SIGNATURE_BYTES: Final = 32
_LONGEST: Final = 2048  # characters that are looked at


@dataclass(frozen=True, slots=True)
class Ticket:
    """`server` is the run of the server that it is for, `expires_at` in seconds since the Unix epoch."""

    session: SessionId
    server: RunId
    caller: Caller
    expires_at: float


def write_ticket(ticket: Ticket, key: bytes) -> str:
    """`key` is that of the server that the ticket is for."""
    caller = ticket.caller
    told = {
        "session": ticket.session,
        "server": ticket.server,
        "visitor": _told_visitor(caller.visitor),
        "credential": _told_credential(caller.credential),
        "network": caller.network,
        "is_local": caller.is_local,
        "is_secure": caller.is_secure,
        "expires_at": ticket.expires_at,
    }
    body = json.dumps(told, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signed(body, key) + body).decode().rstrip("=")


class TicketGate:
    """Takes the tickets of one run of a server. Used on the event loop alone."""

    def __init__(self, server: RunId, key: bytes, clock: Clock) -> None:
        self._server = server
        self._key = key
        self._clock = clock
        self._used: dict[SessionId, float] = {}  # until when their tickets would be good

    def take(self, text: str) -> Entrant:
        """Whom a ticket lets in; it is used up by this. Their credential may have ended meanwhile.

        Raises:
            DomainError: the ticket was not made for this run of the server, its time is over, or it was used.
        """
        ticket = self._read(text)
        now = self._clock.wall()
        self._used = {session: until for session, until in self._used.items() if until > now}
        if now >= ticket.expires_at:
            raise DomainError(
                "The time to come to this server is over. Connect to the address of the fleet again.",
                ErrorCode.TICKET_EXPIRED,
            )
        if ticket.session in self._used:
            raise DomainError(
                "Somebody has come with this ticket already. Connect to the address of the fleet again.",
                ErrorCode.TICKET_USED,
            )
        self._used[ticket.session] = ticket.expires_at
        return Entrant(ticket.session, ticket.caller)

    def _read(self, text: str) -> Ticket:
        try:
            data = base64.b64decode(
                (text + "=" * (-len(text) % 4)).encode("ascii") if len(text) <= _LONGEST else b"",
                altchars=b"-_",
                validate=True,
            )
        except (ValueError, binascii.Error):
            data = b""
        signature, body = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
        if hmac.compare_digest(signature, _signed(body, self._key)):
            ticket = _read_ticket(json.loads(body))
            if ticket.server == self._server:
                return ticket
        raise DomainError(
            "This ticket was not made for this server. Connect to the address of the fleet.", ErrorCode.TICKET_INVALID
        )


def _signed(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + body, hashlib.sha256)


def _read_ticket(told: Mapping[str, Any]) -> Ticket:
    """What `write_ticket` wrote."""
    caller = Caller(
        visitor=_visitor_of(told["visitor"]),
        credential=_credential_of(told["credential"]),
        revocation=NeverRevoked(),
        network=told["network"],
        is_local=told["is_local"],
        is_secure=told["is_secure"],
    )
    return Ticket(told["session"], told["server"], caller, told["expires_at"])


def _told_visitor(visitor: Visitor) -> list[Any]:
    match visitor:
        case Owner():
            return ["owner"]
        case Person(user_id, name, role, scopes):
            return ["person", user_id, name, role.value, sorted(scope.value for scope in scopes)]
        case Anonymous(network):
            return ["anonymous", network]
        case _:
            assert_never(visitor)


def _visitor_of(told: list[Any]) -> Visitor:
    match told:
        case ["owner"]:
            return Owner()
        case ["person", user_id, name, role, scopes]:
            return Person(user_id, name, Role(role), frozenset(map(Scope, scopes)))
        case ["anonymous", network]:
            return Anonymous(network)
        case _:
            raise ValueError(f"no visitor: {told!r}")


def _told_credential(credential: Credential) -> list[str]:
    match credential:
        case OfSession(session_id):
            return ["session", session_id]
        case OfToken(token_id):
            return ["token", token_id]
        case OfMachine():
            return ["machine"]
        case NoCredential():
            return ["none"]
        case _:
            assert_never(credential)


def _credential_of(told: list[str]) -> Credential:
    match told:
        case ["session", session_id]:
            return OfSession(session_id)
        case ["token", token_id]:
            return OfToken(token_id)
        case ["machine"]:
            return OfMachine()
        case ["none"]:
            return NoCredential()
        case _:
            raise ValueError(f"no credential: {told!r}")
