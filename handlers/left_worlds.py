"""Worlds that wait for players whose connection broke, and the tokens by which those come back.

A world waits closed, as snapshots in memory: it holds no place and no engine, so that nobody has to wait for it. It
goes when its time is over, when others need the memory, and when the server stops. Where servers share a folder, there
are copies in it too, by which a client of a server that is gone goes on at another one.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

import structlog

from access_rules import Anonymous, Owner, Person, standing
from error_types import DomainError, ErrorCode
from handlers.base import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.session.left_world import LeftWorld
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.peer_store.peer_store import RunId
    from services.world_copies.world_copies import WorldCopies, WorldCopy

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MACHINE_SHARE: Final = 16  # all worlds have so much of the machine's memory at most, if nothing is set
_SOONEST_SWEEP_S: Final = 0.05
_COPY_LATE_S: Final = 60.0  # copies of large worlds are renewed less often
_COPIES_SWEPT_S: Final = 30.0  # between two looks at the folder of all servers
_BETWEEN: Final = "."  # a token's server and its secret


def server_of(token: str) -> RunId:
    """The run of the server that a token comes from, as far as it is one."""
    return token.partition(_BETWEEN)[0]


@dataclass(frozen=True, slots=True)
class InHand:
    """A session plays the world of `ticket`, or is just opening it: that of `holder`."""

    ticket: ResumeTicket
    holder: ResumeTicket


@dataclass(frozen=True, slots=True)
class Waiting:
    """The world waits since `left_at` (the clock's monotonic seconds), and takes `size` bytes."""

    world: LeftWorld
    size: int
    left_at: float


@dataclass(frozen=True, slots=True)
class Closed:
    pass


TicketState: TypeAlias = InHand | Waiting | Closed


class ResumeTicket:
    """What the client of one session comes back by. `end` has the session end and leave its world.

    `earlier` is the token by which the client came here itself. It leads here too until the client shows that it has
    the new one: the answer may have been lost on its way.
    """

    def __init__(self, server: RunId, visitor: Visitor, end: Callable[[], None]) -> None:
        self.token = f"{server}{_BETWEEN}{secrets.token_urlsafe(32)}"
        self.earlier: str | None = None
        self.visitor = visitor
        self.end = end
        self.state: TicketState = InHand(self, self)
        self.put_down = asyncio.Event()

    @property
    def tokens(self) -> tuple[str, ...]:
        return (self.token,) if self.earlier is None else (self.token, self.earlier)


@dataclass(frozen=True, slots=True)
class Taken:
    """A world that waited under `ticket` until now."""

    ticket: ResumeTicket
    waiting: Waiting


class LeftWorlds:
    """Called on the event loop's thread, but for `give_way`. `server` is the run of the server, which tokens name.

    `copies` None: the server works alone. `threads` read and remove them.
    """

    def __init__(
        self,
        config: Current[RuntimeConfig],
        clock: Clock,
        metrics: Metrics,
        *,
        server: RunId,
        copies: WorldCopies | None,
        threads: Executor,
    ) -> None:
        self.copies = copies
        self._threads = threads
        self._server = server
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._lock = threading.RLock()
        self._tickets: dict[str, ResumeTicket] = {}  # by their tokens
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def keep_s(self) -> float:
        return self._config.now.resume.keep_s

    def copy_names(self, ticket: ResumeTicket) -> tuple[str, ...]:
        """What copies of its world are called: nothing that leads to a token, and other names for each visitor."""
        return tuple(_copy_name(token, ticket.visitor) for token in ticket.tokens)

    @property
    def count(self) -> int:
        """How many worlds wait."""
        with self._lock:
            return len(self._waiting())

    def ticket(self, visitor: Visitor, end: Callable[[], None]) -> ResumeTicket:
        """For a session that has begun. It is followed by `keep`, or by `close`."""
        ticket = ResumeTicket(self._server, visitor, end)
        with self._lock:
            self._tickets[ticket.token] = ticket
        return ticket

    def confirm(self, ticket: ResumeTicket) -> None:
        """The client has the new token, so the one that it came by is used up."""
        if ticket.earlier is not None:
            with self._lock:
                self._tickets.pop(ticket.earlier, None)
                self._remove_copies(_copy_name(ticket.earlier, ticket.visitor))
                ticket.earlier = None

    # --------------------------------------------------------------------------------------------- being left

    def keep(self, ticket: ResumeTicket, world: LeftWorld) -> None:
        """The session is over, and its player may come back."""
        with self._lock:
            size = self._size_to_keep(ticket.visitor, world)
            if size is None:
                logger.info("The world that was left has no room to wait in")
                self.close(ticket)
                return
            ticket.state = Waiting(world, size, self._clock.monotonic())
            ticket.put_down.set()
            self._sweep_later()
        logger.info("The world waits for its player", model=world.key.model_id, bytes=size, seconds=self.keep_s)

    def close(self, ticket: ResumeTicket, *, keeps_copies: bool = False) -> None:
        """Nothing waits under this ticket any more. Idempotent. `keeps_copies`: for another server."""
        with self._lock:
            if not keeps_copies and not isinstance(ticket.state, Closed):
                self._remove_copies(*self.copy_names(ticket))
            for token in ticket.tokens:
                self._tickets.pop(token, None)
            ticket.state = Closed()
            ticket.put_down.set()

    # --------------------------------------------------------------------------------------------- coming back

    @asynccontextmanager
    async def claimed(self, token: str, by: ResumeTicket) -> AsyncGenerator[LeftWorld | WorldCopy]:
        """The world of `token`, for the block to open: then it is the session's of `by`, and `token` is used up.

        That is a copy where the server that had the world is gone.

        A session that still has it is ended first: it may not have noticed yet that its client is gone. If the block
        raises, the world waits on as before.

        Raises:
            DomainError: nothing waits under this token, or not for this visitor.
        """
        copy = await self._copied(token, by)
        if copy is not None:
            yield copy
            self._lead_here(token, by)
            return
        while isinstance(found := self._take(token, by), InHand):
            found.holder.end()
            await found.ticket.put_down.wait()
        try:
            yield found.waiting.world
        except BaseException:  # a cancellation too
            self._put_back(found)
            raise
        self._hand_over(found, token, by)

    async def _copied(self, token: str, by: ResumeTicket) -> WorldCopy | None:
        """None: the world is here, or nowhere."""
        copies, name = self.copies, _copy_name(token, by.visitor)
        if copies is None or token in self._tickets:
            return None
        return await in_thread(self._threads, lambda: copies.read(name))

    def _remove_copies(self, *names: str) -> None:
        copies = self.copies
        if copies is not None:
            for name in names:
                self._threads.submit(copies.remove, name)

    def _take(self, token: str, by: ResumeTicket) -> Taken | InHand:
        """The world, for `by` to open; or who has it in hand. Raises: DomainError, as `claimed`."""
        with self._lock:
            self._drop_expired()
            ticket = self._tickets.get(token)
            if ticket is None or ticket is by or not _is_same(ticket.visitor, by.visitor):
                raise _too_late()
            match ticket.state:
                case Waiting() as waiting:
                    ticket.state = InHand(ticket, by)
                    ticket.put_down.clear()
                    return Taken(ticket, waiting)
                case InHand() as in_hand:
                    return in_hand
                case Closed():
                    raise _too_late()
                case _:
                    assert_never(ticket.state)

    def _hand_over(self, taken: Taken, token: str, by: ResumeTicket) -> None:
        with self._lock:
            self.close(taken.ticket)
        self._lead_here(token, by)
        waited_s = self._clock.monotonic() - taken.waiting.left_at
        logger.info("The world is played on", waited_s=round(waited_s, 1))

    def _lead_here(self, token: str, by: ResumeTicket) -> None:
        with self._lock:
            by.earlier = token
            self._tickets[token] = by
        self._metrics.world_resumed()

    def _put_back(self, taken: Taken) -> None:
        with self._lock:
            if self._is_closed:
                self.close(taken.ticket)
                return
            taken.ticket.state = taken.waiting
            taken.ticket.put_down.set()
            self._drop_expired()
            self._sweep_later()

    # -------------------------------------------------------------------------------------------------- copies

    async def sweep_copies(self) -> None:
        """Remove those that nobody renews or has come for, until it is cancelled.

        A copy is renewed as long as its server lives, so that its player has all this time to come to another one.
        """
        copies = self.copies
        while copies is not None:
            await in_thread(self._threads, lambda: copies.sweep(self.keep_s + _COPY_LATE_S))
            await asyncio.sleep(_COPIES_SWEPT_S)

    # ---------------------------------------------------------------------------------------------- giving way

    def give_way(self) -> None:
        """Somebody needs the memory. On any thread."""
        self._drop("Worlds that waited for their players gave way to an engine")

    def stop(self) -> None:
        """The server stops: what waits is in its memory alone, and goes with it. Nothing is kept from here on."""
        with self._lock:
            self._is_closed = True
            if self._sweep is not None:
                self._sweep.cancel()
                self._sweep = None
        self._drop("Worlds that waited for their players were closed")

    def _drop(self, why: str) -> None:
        with self._lock:
            waiting = self._waiting()
            for ticket, _ in waiting:
                self.close(ticket, keeps_copies=True)
        if waiting:
            logger.info(why, count=len(waiting))

    def _drop_expired(self) -> None:
        now, keep_s = self._clock.monotonic(), self.keep_s
        for ticket, waiting in self._waiting():
            if now - waiting.left_at >= keep_s:
                self.close(ticket)
                self._metrics.world_expired()
                logger.info("A world was closed, as its player did not come back", waited_s=round(keep_s, 1))

    def _sweep_later(self) -> None:
        """Look again when the time of the oldest is over."""
        waiting = self._waiting()
        if self._sweep is None and waiting:
            age = self._clock.monotonic() - min(each.left_at for _, each in waiting)
            delay_s = max(_SOONEST_SWEEP_S, self.keep_s - age)
            self._sweep = asyncio.get_running_loop().call_later(delay_s, self._sweep_now)

    def _sweep_now(self) -> None:
        with self._lock:
            self._sweep = None
            self._drop_expired()
            self._sweep_later()

    def _size_to_keep(self, visitor: Visitor, world: LeftWorld) -> int | None:
        """Make room for a world: the bytes that it takes then; None: there is none."""
        if self._is_closed or self.keep_s <= 0:
            return None
        self._drop_expired()
        most, size = self._most_bytes(), world.size
        if size > most:
            world.forget_ways_back()
            size = world.size
        while not self._has_room(visitor, size, most):
            if size > most or not self._drop_one_for(visitor):
                return None
        return size

    def _has_room(self, visitor: Visitor, size: int, most: int) -> bool:
        waiting = self._waiting()
        own = sum(_is_same(ticket.visitor, visitor) for ticket, _ in waiting)
        has_place = not isinstance(visitor, Anonymous) or own < self._config.now.access.anonymous.max_sessions
        has_bytes = size + sum(each.size for _, each in waiting) <= most
        return has_place and has_bytes and len(waiting) < self._config.now.max_sessions

    def _drop_one_for(self, visitor: Visitor) -> bool:
        """The oldest of the visitor's own, else the oldest of those who give way to them; whether there was one."""
        mine, theirs = list[ResumeTicket](), list[ResumeTicket]()
        for ticket, _ in sorted(self._waiting(), key=lambda pair: pair[1].left_at):
            if _is_same(ticket.visitor, visitor):
                mine.append(ticket)
            elif standing(ticket.visitor) <= standing(visitor):
                theirs.append(ticket)
        for ticket in (*mine, *theirs)[:1]:
            self.close(ticket)
            logger.info("A world that waited for its player gave way to a newer one")
            return True
        return False

    def _most_bytes(self) -> int:
        config = self._config.now
        most = config.resume.max_bytes
        return config.limits.machine_bytes // _MACHINE_SHARE if most is None else most

    def _waiting(self) -> list[tuple[ResumeTicket, Waiting]]:
        tickets = dict.fromkeys(self._tickets.values())
        return [(ticket, ticket.state) for ticket in tickets if isinstance(ticket.state, Waiting)]


def _too_late() -> DomainError:
    """The same for a token that was made up, is somebody else's, or is used up: it tells nothing."""
    return DomainError(
        "That world has been closed. Start anew, or open a world that was saved.", ErrorCode.RESUME_TOO_LATE
    )


def _copy_name(token: str, visitor: Visitor) -> str:
    match visitor:
        case Owner():
            who = "owner"
        case Person(user_id):
            who = f"person {user_id}"
        case Anonymous(network):
            who = f"anonymous {network}"
        case _:
            assert_never(visitor)
    return hashlib.sha256(f"{token} {who}".encode()).hexdigest()


def _is_same(one: Visitor, other: Visitor) -> bool:
    """Whether both have the same rights and things. A person may have come by another token or scope of theirs."""
    match one:
        case Owner():
            return isinstance(other, Owner)
        case Person(user_id):
            return isinstance(other, Person) and other.user_id == user_id
        case Anonymous(network):
            return isinstance(other, Anonymous) and other.network == network
        case _:
            assert_never(one)
