"""How the client of one session comes back into its world after its connection broke."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from wire_protocol import TimedInitRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from access_rules import Visitor
    from handlers.left_worlds import LeftWorlds
    from handlers.session.left_world import LeftWorld
    from services.world_copies.world_copies import WorldCopy
    from wire_protocol import InitRequest


class SessionResumption:
    """A stock client has no means to come back, so nothing is kept for one (`extended` is False then)."""

    def __init__(self, left_worlds: LeftWorlds, visitor: Visitor, end: Callable[[], None], *, extended: bool) -> None:
        """`end` has the session end, as its world is asked for over another connection."""
        self._left_worlds = left_worlds
        self._ticket = left_worlds.ticket(visitor, end) if extended else None

    @property
    def token(self) -> str | None:
        """By which the client can come back; None: it cannot."""
        return self._ticket.token if self._ticket is not None and self.keep_s is not None else None

    @property
    def keep_s(self) -> float | None:
        """How long the world would be kept that is left now; None: not at all."""
        seconds = self._left_worlds.keep_s
        return seconds if self._ticket is not None and seconds > 0 else None

    @property
    def copy_names(self) -> tuple[str, ...]:
        """What copies of the world are to be called, for other servers to find them by the client's tokens."""
        return () if self._ticket is None else self._left_worlds.copy_names(self._ticket)

    @asynccontextmanager
    async def left_world(self, request: InitRequest) -> AsyncGenerator[LeftWorld | WorldCopy | None]:
        """What the request wants to go on from, for the block to open; None: it wants another world.

        Raises:
            DomainError: it has been closed, or is not this visitor's.
        """
        token = _token_of(request)
        if token is None or self._ticket is None:
            yield None
            return
        async with self._left_worlds.claimed(token, self._ticket) as left:
            yield left

    def require_none(self, request: InitRequest) -> None:
        """Raises: DomainError, a world is in play, so that no other one can be gone on in."""
        if _token_of(request) is not None:
            message = "A world is in play over this connection already. Come back over a new one."
            raise DomainError(message, ErrorCode.INVALID_REQUEST)

    def heard(self) -> None:
        """The client has sent what it sends only after the answer to its `init`."""
        if self._ticket is not None:
            self._left_worlds.confirm(self._ticket)

    def leave(self, left: LeftWorld | None, *, keeps_copies: bool = False) -> None:
        """The session is over. Idempotent; the first call counts.

        `keeps_copies`: nothing waits here, but the client may go on elsewhere from the newest copy.
        """
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        if left is None:
            self._left_worlds.close(ticket, keeps_copies=keeps_copies)
        else:
            self._left_worlds.keep(ticket, left)


def _token_of(request: InitRequest) -> str | None:
    return request.resume_token if isinstance(request, TimedInitRequest) else None
