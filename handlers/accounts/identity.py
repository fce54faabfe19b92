"""Finds out who somebody is by the secret that they bring. A row is read for each request: nothing goes stale."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

import structlog

from access_rules import Person
from error_types import DomainError
from services.account_store.account import Scope
from services.account_store.account_store import BySession, ByToken
from sign_in import (
    Caller,
    NotSignedIn,
    OfSession,
    OfToken,
    PeopleUnavailable,
    SessionSecret,
    SignedIn,
    TokenSecret,
    digest_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from handlers.accounts.connections import OpenConnections
    from handlers.accounts.desk import AccountDesk
    from services.account_store.account_store import AccountStore
    from services.clock.clock import Clock
    from sign_in import Identified, OfferedSecret

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

SESSION_S: Final = 30 * 24 * 3600.0  # without being used
_SEEN_S: Final = 60.0  # how exact the times are at which something was used last
_LOOK_AGAIN_S: Final = 5.0


class Identity:
    """A `People`."""

    def __init__(self, desk: AccountDesk, connections: OpenConnections, clock: Clock) -> None:
        self._desk = desk
        self._connections = connections
        self._clock = clock

    @asynccontextmanager
    async def identified(self, offered: OfferedSecret) -> AsyncGenerator[Identified]:
        try:
            found = await self._find(offered)
        except DomainError as error:
            yield PeopleUnavailable(error.message)
            return
        if found is None:
            yield NotSignedIn()
            return
        credential = _credential_of(found)
        with self._connections.entered(found.user.id, credential) as connection:
            await self._note_use(found)
            yield SignedIn(_person_of(found), credential, connection)

    @contextmanager
    def held(self, caller: Caller) -> Generator[Caller]:
        """The caller, until the end of the block, for who is served beyond the request that they came with."""
        match caller:
            case Caller(visitor=Person(user_id), credential=OfSession() | OfToken() as credential):
                with self._connections.entered(user_id, credential) as connection:
                    yield replace(caller, revocation=connection)
            case _:
                yield caller

    async def watch_over(self) -> None:
        """Cut off those whose session or token has ended without this server being asked: it has run out, or another
        process has ended it. While nobody is connected, nothing is looked at."""
        while True:
            await self._connections.wait_for_some()
            await asyncio.sleep(_LOOK_AGAIN_S)
            try:
                await self.look_again()
            except DomainError as error:
                logger.warning("Whether people are still signed in cannot be read", reason=error.message)

    async def look_again(self) -> None:
        """Raises: DomainError, the database cannot be read."""
        present = self._connections.credentials()
        sessions = [each.session_id for each in present if isinstance(each, OfSession)]
        tokens = [each.token_id for each in present if isinstance(each, OfToken)]
        if not present:
            return
        now = self._clock.wall()
        kept, usable = await self._desk.read(lambda store: store.still_valid(sessions, tokens, now))
        still = {*map(OfSession, kept), *map(OfToken, usable)}
        for credential in present:
            if credential not in still:
                self._connections.revoke(credential)

    async def _find(self, offered: OfferedSecret) -> BySession | ByToken | None:
        """Read again where something was revoked while it was read: from here on, revocations reach the connection."""
        while True:
            revocations = self._connections.revocations
            found = await self._desk.read(lambda store: _read(store, offered, self._clock.wall()))
            if revocations == self._connections.revocations:
                return found

    async def _note_use(self, found: BySession | ByToken) -> None:
        now = self._clock.wall()
        last = found.session.last_seen_at if isinstance(found, BySession) else found.token.last_used_at
        if last is not None and abs(now - last) < _SEEN_S:
            return
        with suppress(DomainError):  # such as a full disk, which keeps nobody from what they may see
            await self._desk.write(lambda store: _touch(store, found, now))


def _read(store: AccountStore, offered: OfferedSecret, at: float) -> BySession | ByToken | None:
    match offered:
        case SessionSecret(secret):
            return store.find_session(digest_of(secret), at)
        case TokenSecret(secret):
            return store.find_token(digest_of(secret), at)
        case _:
            assert_never(offered)


def _touch(store: AccountStore, found: BySession | ByToken, at: float) -> None:
    match found:
        case BySession(_, session):
            store.touch_session(session.id, at, at + SESSION_S)
        case ByToken(_, token):
            store.touch_token(token.id, at)


def _credential_of(found: BySession | ByToken) -> OfSession | OfToken:
    return OfSession(found.session.id) if isinstance(found, BySession) else OfToken(found.token.id)


def _person_of(found: BySession | ByToken) -> Person:
    user = found.user
    scopes = frozenset(Scope) if isinstance(found, BySession) else found.token.scopes
    return Person(user.id, user.name, user.role, scopes)
