"""Who is being served by what they signed in with, so that they can be cut off when it ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sign_in import OfSession, OfToken

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

    from services.account_store.account import UserId


class Connection:
    """A `Revocation`: one request of somebody who has signed in. Used on the event loop alone."""

    def __init__(self, user_id: UserId, credential: OfSession | OfToken) -> None:
        self.user_id = user_id
        self.credential = credential
        self._is_revoked = False
        self._listeners: list[Callable[[], None]] = []

    def on_revoked(self, tell: Callable[[], None]) -> None:
        if self._is_revoked:
            tell()
        else:
            self._listeners.append(tell)

    def revoke(self) -> None:
        self._is_revoked = True
        listeners, self._listeners = self._listeners, []
        for tell in listeners:
            tell()


@dataclass(frozen=True, slots=True)
class OfUser:
    """Everything of one person, `but` for one credential."""

    user_id: UserId
    but: OfSession | OfToken | None = None


class OpenConnections:
    """`revocations` counts how often something was revoked: whoever has read a row since then has to read it again."""

    def __init__(self) -> None:
        self.revocations = 0
        self._open: dict[int, Connection] = {}
        self._number = 0
        self._some = asyncio.Event()

    @contextmanager
    def entered(self, user_id: UserId, credential: OfSession | OfToken) -> Generator[Connection]:
        """A connection that can be revoked until the end of the block."""
        connection = Connection(user_id, credential)
        self._number += 1
        number = self._number
        self._open[number] = connection
        self._some.set()
        try:
            yield connection
        finally:
            del self._open[number]
            if not self._open:
                self._some.clear()

    def revoke(self, which: OfUser | OfSession | OfToken) -> None:
        """Tell all that are served by it, after it has ended in the database."""
        self.revocations += 1
        for connection in list(self._open.values()):
            if _is_meant(connection, which):
                connection.revoke()

    async def wait_for_some(self) -> None:
        await self._some.wait()

    def credentials(self) -> Collection[OfSession | OfToken]:
        return {connection.credential for connection in self._open.values()}


def _is_meant(connection: Connection, which: OfUser | OfSession | OfToken) -> bool:
    match which:
        case OfUser(user_id, but):
            return connection.user_id == user_id and connection.credential != but
        case OfSession() | OfToken():
            return connection.credential == which
