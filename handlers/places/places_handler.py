"""The door of a fleet: whoever connects to the address of all servers is given a place on one, and sent there.

Those for whom there is no place wait in one line over all servers. Each server keeps those in line whom it has received
itself, for as long as they are connected, and tells the others of them; who is next is the same for all of them.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import structlog

from api_types import SessionSummary, WatchedSession
from error_types import DomainError
from handlers.places.admission import Asking, Load, seated
from handlers.places.tickets import TICKET_S, Ticket, TicketGate, write_ticket
from handlers.share_links import ShareLinks
from services.peer_store.peer_store import PlaceAsked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable, Sequence

    from handlers.accounts.identity import Identity
    from handlers.peers.peers_handler import PeersHandler
    from services.clock.clock import Clock
    from services.peer_store.peer_store import PeerRow, RunId
    from sign_in import Caller, Direct, Entrant
    from state.app_state_types import SessionId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InLine:
    """`number` is 1 for whoever is next."""

    number: int


@dataclass(frozen=True, slots=True)
class SentTo:
    """They play at `address`, where `ticket` lets them in; None: what they have is enough."""

    address: str
    ticket: str | None = None


Step: TypeAlias = InLine | SentTo


class PlacesHandler:
    """A `Tickets` as well. Used on the event loop alone."""

    def __init__(self, peers: PeersHandler, identity: Identity, clock: Clock) -> None:
        self._peers = peers
        self._identity = identity
        self._clock = clock
        self._gate = TicketGate(peers.run, peers.key, clock)
        self._turn = asyncio.Lock()
        self._on_way = set[asyncio.Task[None]]()

    def is_door_for(self, follows: str | None, direct: Direct | None) -> bool:
        """Whether a client is sent on from here. `follows` is the scheme of the addresses to which it goes, ws or wss;
        a page that came by https can only go to wss. `direct` is not None: it was sent here."""
        address = self._peers.address
        return direct is None and address is not None and address.partition("://")[0] == follows

    @contextmanager
    def admitted(self, ticket: str) -> Generator[Entrant]:
        """As in `Tickets`: they are cut off here as well when what they signed in with ends."""
        entrant = self._gate.take(ticket)
        with self._identity.held(entrant.caller) as caller:
            yield replace(entrant, caller=caller)

    def kept_for(self, ticket: str) -> SessionId | None:
        """The session for which a place is kept here. By this it is used up, as by coming directly, which a network may
        not allow. None: there is no such place."""
        with suppress(DomainError):
            return self._gate.take(ticket).session_id
        return None

    # ------------------------------------------------------------------------------------------------- for players

    async def place(self, caller: Caller, *, model: str | None, back_to: RunId | None) -> AsyncGenerator[Step]:
        """Their number in line as often as it changes, and at last where they play. Who closes this leaves the line.

        `model` is what they will ask for, where it is known. `back_to` is the run of the server that keeps their world:
        nobody takes a place for them there, as theirs may still be taken by themselves.

        Raises:
            DomainError: the database cannot be used.
        """
        asked = PlaceAsked(secrets.token_hex(4), 0, model, None)
        await self._peers.refresh()
        kept = next((row for row in self._peers.servers() if row.run == back_to and row.address is not None), None)
        if kept is not None:
            yield self._sent(asked, kept, caller)
            return
        asked = replace(asked, number=1 + max((each.number for each in self._line()), default=0))
        self._peers.stand(asked)
        is_sent = False
        try:
            await self._peers.refresh()  # so that whoever comes to another server next comes after them
            async for step in self._served(asked):
                if isinstance(step, InLine):
                    yield step
                else:
                    is_sent = True
                    yield self._sent(asked, step, caller)
        finally:
            if is_sent:
                on_way = asyncio.create_task(self._until_there(asked.session))
                self._on_way.add(on_way)
                on_way.add_done_callback(self._on_way.discard)
            else:
                self._peers.step_out(asked.session)

    async def _served(self, asked: PlaceAsked) -> AsyncGenerator[InLine | PeerRow]:
        told = 0
        while True:
            mark = self._peers.changes.mark()
            server = None
            if asked.session in self._seats():
                with suppress(DomainError):  # they wait on until the database is back
                    server = await self._seat(asked)
            if server is not None:
                yield server
                return
            number = 1 + sum(each.server is None and _rank(each) < _rank(asked) for each in self._line())
            if number != told:
                told = number
                yield InLine(number)
            await self._peers.changes.after(mark)

    async def _seat(self, asked: PlaceAsked) -> PeerRow | None:
        """Their server, if it is their turn as of just now; then the others know, and nobody else gets that place."""
        async with self._turn:
            while True:
                await self._peers.refresh()
                run = self._seats().get(asked.session)
                server = next((row for row in self._peers.servers() if row.run == run), None)
                if server is None or await self._peers.give_place(replace(asked, server=server.run), server):
                    return server

    def _seats(self) -> dict[str, RunId]:
        line = [each for each in self._line() if each.server is None]
        return seated([Asking(each.session, each.model) for each in line], _loads(self._peers.servers()))

    def _line(self) -> list[PlaceAsked]:
        return sorted((each for row in self._peers.servers() for each in row.line), key=_rank)

    def _sent(self, asked: PlaceAsked, server: PeerRow, caller: Caller) -> SentTo:
        ticket = Ticket(asked.session, server.run, caller, self._clock.wall() + TICKET_S)
        logger.info("A player is sent to their server", name=server.name, session=asked.session)
        return SentTo(server.address or "", write_ticket(ticket, bytes.fromhex(server.key)))

    @asynccontextmanager
    async def held_here(self, session: SessionId, *, is_kept: bool) -> AsyncGenerator[bool]:
        """Whether there is a place here for a newcomer. To the end of the block, nobody else is given it.

        `is_kept`: they were given one already. Others come after all who wait in line.
        """
        if is_kept or self._peers.address is None:  # nobody is sent here
            yield True
            return
        try:
            yield await self._take_here(session)
        finally:
            self._peers.step_out(session)

    async def _take_here(self, session: SessionId) -> bool:
        async with self._turn:
            try:
                while True:
                    await self._peers.refresh()
                    own = next(row for row in self._peers.servers() if row.run == self._peers.run)
                    if not self._has_room(own.run):
                        return False
                    if await self._peers.give_place(PlaceAsked(session, 0, None, own.run), own):
                        return True
            except DomainError:  # without the database, no other server gives a place here either
                return self._has_room(self._peers.run)

    def _has_room(self, run: RunId) -> bool:
        """Whether a place on a server is left when everybody in line who can have one has been seated."""
        free = next((load.free for load in _loads(self._peers.servers()) if load.server == run), 0)
        return free > sum(server == run for server in self._seats().values())

    async def _until_there(self, session: str) -> None:
        """Keep their place until their server tells of them, or their ticket is over."""
        try:
            async with asyncio.timeout(TICKET_S):
                while True:
                    mark = self._peers.changes.mark()
                    if any(session == each.summary.get("id") for row in self._peers.servers() for each in row.sessions):
                        return
                    await self._peers.changes.after(mark)
        except TimeoutError:
            logger.info("A player has not come to their server", session=session)
        finally:
            self._peers.step_out(session)

    @property
    def are_awaited(self) -> bool:
        """Whether somebody is on their way to this server, as far as the others have told."""
        run = self._peers.run
        return any(asked.server == run for row in self._peers.servers() for asked in row.line)

    async def all_have_come(self) -> None:
        """Return when nobody is on their way to this server any more."""
        while self.are_awaited:
            mark = self._peers.changes.mark()
            if self.are_awaited:
                await self._peers.changes.after(mark)

    async def close(self) -> None:
        """Whoever is on their way finds a place or none: this server keeps none for them any more."""
        on_way = list(self._on_way)
        for task in on_way:
            task.cancel()
        await asyncio.gather(*on_way, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------- for watchers

    def server_of_link(self, link: str) -> SentTo | None:
        """Where a link to watch by opens a session, at this server or another. None: it is no link, or is over."""
        row = self._writer_of(link, self._peers.servers())
        return None if row is None or row.address is None else SentTo(row.address)

    def shared_elsewhere(self, link: str) -> WatchedSession | None:
        """What a link opens at another server, as far as that has told. None: it opens nothing there."""
        row = self._writer_of(link, self._peers.others())
        if row is None:
            return None
        name = ShareLinks(self._clock, bytes.fromhex(row.key)).read(link)
        told = next((each.summary for each in row.sessions if name and each.summary.get("id") == name.session_id), None)
        return None if told is None else _watched(SessionSummary.model_validate(told))

    def _writer_of(self, link: str, servers: Sequence[PeerRow]) -> PeerRow | None:
        rows = (row for row in servers if row.key)
        return next((row for row in rows if ShareLinks(self._clock, bytes.fromhex(row.key)).read(link)), None)


def _watched(told: SessionSummary) -> WatchedSession:
    state = told.state if told.state in ("playing", "paused") else "waiting"
    return WatchedSession(state=state, watchers=told.watchers)


def _rank(asked: PlaceAsked) -> tuple[int, str]:
    return asked.number, asked.session


def _loads(servers: Sequence[PeerRow]) -> Iterable[Load]:
    """What is taken: sessions, and places that were given to people who are still on their way."""
    given = {(each.server, each.session) for row in servers for each in row.line if each.server is not None}
    for row in servers:
        if row.address is not None:
            taken = {str(session.summary.get("id")) for session in row.sessions}
            taken |= {session for server, session in given if server == row.run}
            yield Load(row.run, len(taken), row.max_sessions, frozenset(row.models))
