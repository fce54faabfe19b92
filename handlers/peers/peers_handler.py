"""The other servers on the same database: which of them live, and which are gone for good.

No two clocks are compared. Each server raises a number, its beat, and looks at those of the others. One whose beat
stays the same while this server looks eight times is gone. What keeps this server from looking, such as a database that
is away, or its own standstill, takes nobody for gone.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from access_rules import is_foreign, sees_all
from api_types import SessionsResponse, SessionSummary
from error_types import DomainError
from handlers.base import StateChanges, in_thread
from handlers.service_errors import service_errors_translated
from services.peer_store.peer_store import PeerRow, PeerSession

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.sessions_handler import OwnPlay
    from services.peer_store.peer_store import PeerStore, PeerStores, PlaceAsked, RunId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")

BEAT_S: Final = 2.0
_LOOKS: Final = 8  # without a beat, after which a server is gone
_LEAVE_S: Final = 0.5  # of a stop's few seconds, to take this server's row away


@dataclass(frozen=True, slots=True)
class _Seen:
    row: PeerRow
    silent_looks: int = 0

    @property
    def is_gone(self) -> bool:
        return self.silent_looks >= _LOOKS


class PeersHandler:
    """`stores` None: this server shares its database with no other. `changes` are announced after each look.

    `address` is where clients reach this server directly, such as ws://10.0.0.5:41001; None: they do not. `key` signs
    what it promises them.
    """

    def __init__(
        self,
        stores: PeerStores | None,
        *,
        run: RunId,
        name: str,
        own_play: Callable[[], OwnPlay],
        threads: Executor,
        own_models: Callable[[], Collection[str]] = tuple,
        beat_s: float = BEAT_S,
    ) -> None:
        self.run = run
        self.name = name
        self.address: str | None = None
        self._takes_newcomers = True
        self.key = secrets.token_bytes(32)
        self.changes = StateChanges()
        self._stores = stores
        self._own_play = own_play
        self._own_models = own_models
        self._line: dict[str, PlaceAsked] = {}  # by their sessions
        self._given = 0  # places on this server, as of the last look
        self._threads = threads
        self._beat_s = beat_s
        self._opening = Lock()
        self._store: PeerStore | None = None
        self._beat = 0
        self._telling = asyncio.Lock()
        self._seen: dict[RunId, _Seen] = {}
        self._has_looked = asyncio.Event()

    @property
    def are_possible(self) -> bool:
        return self._stores is not None

    # ---------------------------------------------------------------------------------------------------- looking

    def others(self) -> tuple[PeerRow, ...]:
        """Those that lived when this server looked last."""
        return tuple(seen.row for seen in self._seen.values() if not seen.is_gone)

    def servers(self) -> tuple[PeerRow, ...]:
        """This one and the others."""
        return (self._row(), *self.others())

    def sessions(self, visitor: Visitor) -> SessionsResponse:
        """The visitor's, on this server and on the others, which tell of theirs every few seconds."""
        own = self._own_play()
        found = [(each.owner, each.summary) for each in own.sessions]
        if self._stores is not None:
            found = [(owner, summary.model_copy(update={"server": self.name})) for owner, summary in found]
        for row in self.others():
            found += [(each.owner, _told_by(row, each)) for each in row.sessions]
        seen = [summary for owner, summary in found if not is_foreign(visitor, owner)]
        if not sees_all(visitor):
            seen = [summary.model_copy(update={"owner": None}) for summary in seen]
        return SessionsResponse(
            max_sessions=own.max_sessions + sum(row.max_sessions for row in self.others()), sessions=seen
        )

    def is_gone(self, run: RunId | None) -> bool:
        """Whether a run has ended, as of the last look. Before the first one, nobody is known to be gone."""
        if run == self.run:
            return False
        if self._stores is None or run is None:
            return True
        seen = self._seen.get(run)
        return self._has_looked.is_set() and (seen is None or seen.is_gone)

    async def known(self) -> None:
        """Wait until the others know of this server, and it of them. Nothing is taken on before."""
        if self._stores is not None:
            await self._has_looked.wait()

    # ----------------------------------------------------------------------------------------------- coming, going

    async def watch(self) -> None:
        """Tell the others of this server, and look at them, until it is cancelled. Alone, there is nothing to do."""
        said = ""
        while self._stores is not None:
            try:
                await self.look()
                said = ""
            except DomainError as error:
                if error.message != said:
                    logger.warning("The other servers cannot be seen", reason=error.message)
                said = error.message
            await asyncio.sleep(self._beat_s)

    async def look(self) -> None:
        """Raises: DomainError, the database cannot be used. Nobody is taken for gone for that."""
        if self._stores is None:
            return
        rows = await self._tell_and_read()
        was = self._seen
        self._seen = {row.run: _seen_again(was.get(row.run), row) for row in rows if row.run != self.run}
        self._has_looked.set()
        gone = [seen.row for run, seen in self._seen.items() if seen.is_gone and not (run in was and was[run].is_gone)]
        for row in gone:
            logger.warning("Another server is gone", name=row.name, run=row.run, sessions=len(row.sessions))
        self.changes.announce()

    async def refresh(self) -> None:
        """Tell the others what is new here, and see what they tell, without counting it as a look.

        Raises:
            DomainError: the database cannot be used.
        """
        rows = await self._tell_and_read()
        was = self._seen
        self._seen = {row.run: _seen_now(was.get(row.run), row) for row in rows if row.run != self.run}
        self.changes.announce()

    async def look_afresh(self) -> None:
        """See who is there just now, without counting it as a look. Raises: DomainError."""
        rows = await self._using(lambda store: store.rows())
        was = self._seen
        self._seen = {row.run: was.get(row.run, _Seen(row)) for row in rows if row.run != self.run}

    async def forget(self, runs: Sequence[RunId]) -> None:
        """What these have left was seen to: they are listed no more. Raises: DomainError."""
        await self._using(lambda store: store.remove(runs))
        self._seen = {run: seen for run, seen in self._seen.items() if run not in runs}

    def gone(self) -> tuple[RunId, ...]:
        """Those who have not taken their own rows away."""
        return tuple(run for run, seen in self._seen.items() if seen.is_gone)

    async def leave(self) -> None:
        """Tell the others that this server has ended, so that they need not find out. It is tried for a moment."""
        if self._store is None:
            return
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._using(lambda store: store.remove([self.run]))
        except (TimeoutError, DomainError):
            logger.info("The other servers could not be told that this one stops")

    # ------------------------------------------------------------------------------------------------------- line

    @property
    def waiting(self) -> int:
        """How many were received here and have no place yet."""
        return sum(asked.server is None for asked in self._line.values())

    def stand(self, asked: PlaceAsked) -> None:
        """Somebody in line here, or what has become of them. The others hear of it at the next look."""
        self._line[asked.session] = asked

    async def give_place(self, asked: PlaceAsked, server: PeerRow) -> bool:
        """Have somebody in line here play on `server`, as it was last seen; the others hear of it at the same time.

        False: a place on it was given meanwhile, so that it is to be looked at again.

        Raises:
            DomainError: the database cannot be used.
        """
        async with self._telling:
            self._beat += 1
            own = replace(self._row(), line=tuple({**self._line, asked.session: asked}.values()))
            is_given = await self._using(lambda store: store.give_place(server.run, server.given, own))
            if is_given:
                self.stand(asked)
            return is_given

    def step_out(self, session: str) -> None:
        """They have gone, or have come to where they were sent. Idempotent."""
        self._line.pop(session, None)

    def receive_at(self, address: str | None) -> None:
        """From here on people are sent to this server, or, with None, no longer."""
        self.address = address

    def take_newcomers(self, *, is_wanted: bool) -> None:
        """Whether this server has places to give. Those whom it keeps a world for may come back, and others watch."""
        self._takes_newcomers = is_wanted

    # ------------------------------------------------------------------------------------------------------ parts

    def _row(self) -> PeerRow:
        play = self._own_play()
        return PeerRow(
            self.run,
            self.name,
            self._beat,
            play.max_sessions if self._takes_newcomers else 0,
            tuple(PeerSession(each.owner, each.summary.model_dump(mode="json")) for each in play.sessions),
            address=self.address,
            key=self.key.hex(),
            models=tuple(sorted(self._own_models())),
            line=tuple(self._line.values()),
            given=self._given,
        )

    async def _tell_and_read(self) -> Sequence[PeerRow]:
        """One at a time, so that an older row never takes the place of a newer one."""
        async with self._telling:
            self._beat += 1
            own = self._row()

            def tell_and_read(store: PeerStore) -> Sequence[PeerRow]:
                store.keep(own)
                return store.rows()

            rows = await self._using(tell_and_read)
            self._given = next((row.given for row in rows if row.run == self.run), 0)
            return rows

    async def _using(self, work: Callable[[PeerStore], Result]) -> Result:
        def using() -> Result:
            with service_errors_translated():
                return work(self._opened())

        return await in_thread(self._threads, using)

    def _opened(self) -> PeerStore:
        with self._opening:
            if self._store is None:
                if self._stores is None:
                    raise ValueError("This server shares its database with no other.")
                self._store = self._stores.open()
            return self._store


def _seen_again(seen: _Seen | None, row: PeerRow) -> _Seen:
    if seen is None or seen.row.beat != row.beat:
        return _Seen(row)
    return replace(seen, row=row, silent_looks=seen.silent_looks + 1)


def _seen_now(seen: _Seen | None, row: PeerRow) -> _Seen:
    return _Seen(row) if seen is None or seen.row.beat != row.beat else replace(seen, row=row)


def _told_by(row: PeerRow, session: PeerSession) -> SessionSummary:
    return SessionSummary.model_validate({**session.summary, "server": row.name})
