"""What a request is known by where there are accounts: secrets that it brings, and whom they stand for.

The secret of a browser is its session's, in a cookie; that of a program is an API token, which begins with `terr_`.
Both are 32 random bytes, of which the server keeps a SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from access_rules import Anonymous, Owner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from access_rules import Person, Visitor
    from services.account_store.account import SessionKey, TokenId

CALLER_SCOPE: Final = "terrarium.caller"  # where an ASGI scope holds its `Caller`
DIRECT_SCOPE: Final = "terrarium.direct"  # where it holds a `Direct`, if the peer came to this server itself
TOKEN_PREFIX: Final = "terr_"

# Sessions run out at the server, which renews them while they are used; browsers keep a cookie for 400 days at most.
_COOKIE_LIFETIME_S: Final = 400 * 24 * 3600

# --------------------------------------------------------------------------------------------------- secrets


def new_secret(prefix: str = "") -> tuple[str, str]:
    """A secret to be shown once, and its digest to be kept."""
    secret = prefix + secrets.token_urlsafe(32)
    return secret, digest_of(secret)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def cookie_name(port: int) -> str:
    """Browsers share cookies between the ports of a host, so each server on a machine needs a name of its own."""
    return f"terrarium_account_{port}"


def set_cookie(port: int, secret: str | None, *, is_secure: bool) -> str:
    """A Set-Cookie value that scripts and other sites cannot use; one that removes the cookie where `secret` is None.

    `is_secure`: it is sent over HTTPS only.
    """
    age = 0 if secret is None else _COOKIE_LIFETIME_S
    parts = [f"{cookie_name(port)}={secret or ''}", "Path=/", f"Max-Age={age}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if is_secure else parts)


def session_secret(cookie_headers: Sequence[str], port: int) -> str | None:
    """The secret of this server's cookie, from the Cookie headers of a request."""
    pairs = (pair.strip().partition("=") for header in cookie_headers for pair in header.split(";"))
    return next((value for name, _, value in pairs if name == cookie_name(port) and value), None)


# --------------------------------------------------------------------------------------------------- callers


@dataclass(frozen=True, slots=True)
class OfSession:
    session_id: SessionKey


@dataclass(frozen=True, slots=True)
class OfToken:
    token_id: TokenId


@dataclass(frozen=True, slots=True)
class OfMachine:
    """On the machine itself where there are no accounts, or with its token."""


@dataclass(frozen=True, slots=True)
class NoCredential:
    pass


Credential: TypeAlias = OfSession | OfToken | OfMachine | NoCredential


class Revocation(Protocol):
    """The end of what somebody is known by, for whoever serves them for long."""

    def on_revoked(self, tell: Callable[[], None]) -> None:
        """Call `tell` on the event loop when it has ended: at once, if it has. The request's end forgets it."""
        ...


class NeverRevoked:
    """A `Revocation` for those who are known by nothing that could end."""

    def on_revoked(self, tell: Callable[[], None]) -> None:
        del tell


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, and from where. `is_local`: from this very machine. `is_secure`: by HTTPS."""

    visitor: Visitor
    credential: Credential
    revocation: Revocation
    network: str
    is_local: bool
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Entrant:
    """Somebody who was admitted at another server of the fleet, to play the session `session_id` here."""

    session_id: str
    caller: Caller


class Tickets(Protocol):
    """Where the network layer asks what the ticket of such a person is worth."""

    def admitted(self, ticket: str) -> AbstractContextManager[Entrant]:
        """Whom a ticket lets in, for the time of their connection. It is used up by this.

        Raises:
            DomainError: it lets nobody in.
        """
        ...


@dataclass(frozen=True, slots=True)
class Direct:
    """The peer came to an address of this very server, not to that of the fleet: with a ticket for `session_id`, or
    with what is a permission itself."""

    session_id: str | None = None


# ---------------------------------------------------------------------------------------------- finding them


@dataclass(frozen=True, slots=True)
class SessionSecret:
    secret: str


@dataclass(frozen=True, slots=True)
class TokenSecret:
    secret: str


OfferedSecret: TypeAlias = SessionSecret | TokenSecret


@dataclass(frozen=True, slots=True)
class SignedIn:
    person: Person
    credential: OfSession | OfToken
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """The secret is unknown, has run out, or was revoked."""


@dataclass(frozen=True, slots=True)
class PeopleUnavailable:
    """Whose it is cannot be found out now. `message` is a sentence."""

    message: str


Identified: TypeAlias = SignedIn | NotSignedIn | PeopleUnavailable


class People(Protocol):
    """Where the network layer asks who somebody is."""

    def identified(self, offered: OfferedSecret) -> AbstractAsyncContextManager[Identified]:
        """Whose secret that is, for the time of one request."""
        ...


class NoPeople:
    """A `People` for a server without accounts."""

    @asynccontextmanager
    async def identified(self, offered: OfferedSecret) -> AsyncGenerator[Identified]:
        del offered
        yield NotSignedIn()


def credential_without_account(visitor: Visitor) -> Credential:
    match visitor:
        case Owner():
            return OfMachine()
        case Anonymous():
            return NoCredential()
        case _:
            raise TypeError("A person has signed in by something.")
