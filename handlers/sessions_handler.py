"""Sessions as AppState knows them: admission, transitions, and the list of who plays what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from access_rules import Anonymous, Person, network_of, owner_of, standing
from api_types import Percentiles, SessionStateName, SessionSummary
from handlers.base import StateHandler, with_state_lock
from handlers.session.stats import SessionStats
from state.app_state_types import (
    AppState,
    AwaitingSeed,
    Ended,
    EndReason,
    EngineKey,
    Paused,
    Playing,
    Preparing,
    SessionId,
    SessionRecord,
    SessionState,
    Stopping,
    WorldInPlay,
)
from state.events import (
    DisplacementForgotten,
    PauseAsked,
    PlaceLost,
    PlayingBegan,
    PreparingAbandoned,
    PreparingBegan,
    ResumeAsked,
    SessionAdmitted,
    SessionDisplaced,
    SessionEnded,
    SessionForgotten,
    WorldChanged,
)
from state.transitions import IllegalTransitionError, displacement_event, session_event
from state.visitor_states import Displaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from access_rules import Visitor
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock

_DISPLACED_WAITS_S: Final = 20.0  # before whoever had to give way may displace somebody else


@dataclass(frozen=True, slots=True)
class OwnSession:
    """`owner` is the id of the person who plays, None where nobody has signed in."""

    owner: str | None
    summary: SessionSummary


@dataclass(frozen=True, slots=True)
class OwnPlay:
    """Who plays on this server, and how many may."""

    max_sessions: int
    sessions: tuple[OwnSession, ...] = ()


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who wants a slot. `remote` is the address, `visitor` says with what rights."""

    session_id: SessionId
    client: str
    remote: str
    visitor: Visitor


@dataclass(frozen=True, slots=True)
class Admitted:
    """The newcomer has a slot. `displaced` gave way for it and has to be told."""

    displaced: SessionId | None


@dataclass(frozen=True, slots=True)
class SlotIdle:
    """Full, but nobody plays in that session. Once it was ended, its slot is about to be free."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class SlotsEnding:
    """Full, but a session that is over is about to free its slot."""


@dataclass(frozen=True, slots=True)
class SlotsTaken:
    pass


@dataclass(frozen=True, slots=True)
class AddressFull:
    """The newcomer's address has as many sessions as one may have without the token."""

    max_sessions: int


@dataclass(frozen=True, slots=True)
class ServerStopping:
    pass


Admission: TypeAlias = Admitted | SlotIdle | SlotsEnding | SlotsTaken | AddressFull | ServerStopping


class SessionsHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        clock: Clock,
        config: Current[RuntimeConfig],
    ) -> None:
        super().__init__(state, lock)
        self._clock = clock
        self._config = config
        self._stats: dict[SessionId, SessionStats] = {}

    # ---------------------------------------------------------------------------------- coming and going

    @with_state_lock
    def admit(self, newcomer: Newcomer, *, is_promised: bool = False) -> Admission:
        """Give a newcomer a slot, if need be that of a session in which nobody plays.

        The session that has waited longest without an `init` gives way at once, as it has no world to close. After it
        comes the one with a world in which nobody has played for longest. `is_promised`: what is free, or gets free, is
        for somebody else, so that only the former helps.
        """
        if isinstance(self._state.lifecycle, Stopping):
            return ServerStopping()
        if self._address_is_full(newcomer.visitor):
            return AddressFull(self._config.now.access.anonymous.max_sessions)
        if len(self._state.sessions) < self._config.now.max_sessions and not is_promised:
            return self._admitted(newcomer, None)
        records = self._displaceable(newcomer)
        waiting = self._longest_without_init(records)
        if waiting is not None:
            self._lose_place(waiting)
            session_event(self._state, waiting.id, SessionDisplaced())  # it has no loop to join yet
            return self._admitted(newcomer, waiting.id)
        if any(isinstance(record.state, Ended) for record in self._state.sessions.values()):
            return SlotsEnding()
        idle = None if is_promised else self._longest_without_play(records)
        if idle is None:
            return SlotsTaken()
        self._lose_place(idle)
        return SlotIdle(idle.id)

    def _admitted(self, newcomer: Newcomer, displaced: SessionId | None) -> Admitted:
        event = SessionAdmitted(newcomer.client, newcomer.remote, newcomer.visitor, self._clock.wall())
        session_event(self._state, newcomer.session_id, event)
        return Admitted(displaced)

    def _address_is_full(self, visitor: Visitor) -> bool:
        same = (record for record in self._state.sessions.values() if record.visitor == visitor)
        most = self._config.now.access.anonymous.max_sessions
        return isinstance(visitor, Anonymous) and sum(1 for _ in same) >= most

    def _displaceable(self, newcomer: Newcomer) -> list[SessionRecord]:
        """The sessions that a newcomer may take the place of, in the order in which they came.

        A client on its error screen connects again and again, without an `init`. So whoever had to give way does not
        take another one's place at once. Nobody gives way to a newcomer of a lower standing.
        """
        earliest = self._clock.monotonic() - _DISPLACED_WAITS_S
        for network, state in list(self._state.displaced.items()):
            if isinstance(state, Displaced) and state.at <= earliest:
                displacement_event(self._state, network, DisplacementForgotten())
        if network_of(newcomer.remote) in self._state.displaced:
            return []
        own = standing(newcomer.visitor)
        return [record for record in self._state.sessions.values() if standing(record.visitor) <= own]

    def _longest_without_init(self, records: list[SessionRecord]) -> SessionRecord | None:
        oldest = next((record for record in records if isinstance(record.state, AwaitingSeed)), None)
        if oldest is None or self._clock.wall() - oldest.opened_at < self._config.now.limits.displace_after_s:
            return None
        return oldest

    def _longest_without_play(self, records: list[SessionRecord]) -> SessionRecord | None:
        now = self._clock.monotonic()
        idle = [(self._idle_s(record, now), record) for record in records]
        longest_s, record = max(idle, key=lambda each: each[0], default=(0.0, None))
        return record if longest_s >= self._config.now.limits.idle_place_s else None

    def _idle_s(self, record: SessionRecord, now: float) -> float:
        stats = self._stats.get(record.id)
        in_play = isinstance(record.state, Playing | Paused)
        return stats.idle_s(now) if in_play and stats is not None else 0.0

    def _lose_place(self, record: SessionRecord) -> None:
        displacement_event(self._state, network_of(record.remote), PlaceLost(self._clock.monotonic()))

    @with_state_lock
    def end(self, session_id: SessionId, reason: EndReason) -> None:
        """The session is over, but still holds its slot. The first reason stays."""
        if not isinstance(self.state_of(session_id), Ended | None):
            session_event(self._state, session_id, SessionEnded(reason))

    @with_state_lock
    def forget(self, session_id: SessionId) -> None:
        """Free the slot of a session whose loop has been joined."""
        if self.state_of(session_id) is not None:
            session_event(self._state, session_id, SessionForgotten())
        self._stats.pop(session_id, None)

    @with_state_lock
    def attach_stats(self, session_id: SessionId, stats: SessionStats) -> None:
        self._stats[session_id] = stats

    # ---------------------------------------------------------------------------------------- transitions

    @with_state_lock
    def begin_preparing(self, session_id: SessionId, key: EngineKey | None) -> bool:
        """Whether the session may prepare its first world; not when it was displaced or ended meanwhile."""
        if isinstance(self.state_of(session_id), Ended | None):
            return False
        session_event(self._state, session_id, PreparingBegan(key))
        return True

    @with_state_lock
    def abandon_preparing(self, session_id: SessionId) -> None:
        """The first `init` failed in a way that leaves the session waiting for a better one."""
        if isinstance(self.state_of(session_id), Preparing):
            session_event(self._state, session_id, PreparingAbandoned())

    @with_state_lock
    def start_playing(self, session_id: SessionId, world: WorldInPlay) -> bool:
        """Whether the first world may start: not when the session ended while it was prepared."""
        if isinstance(self.state_of(session_id), Ended | None):
            return False
        session_event(self._state, session_id, PlayingBegan(world, since=self._clock.wall()))
        return True

    @with_state_lock
    def change_world(self, session_id: SessionId, change: Callable[[WorldInPlay], WorldInPlay]) -> WorldInPlay | None:
        """Another world, epoch or pace for a session in play, paused or not; None when it is over."""
        match self.state_of(session_id):
            case Playing(world) | Paused(world):
                changed = change(world)
                session_event(self._state, session_id, WorldChanged(changed))
                return changed
            case Ended() | None:
                return None
            case (AwaitingSeed() | Preparing()) as state:
                raise IllegalTransitionError(state, WorldChanged.__name__)

    @with_state_lock
    def pause(self, session_id: SessionId) -> bool:
        """Whether this changed anything."""
        if not isinstance(self.state_of(session_id), Playing):
            return False
        session_event(self._state, session_id, PauseAsked())
        return True

    @with_state_lock
    def resume(self, session_id: SessionId) -> bool:
        """Whether this changed anything."""
        if not isinstance(self.state_of(session_id), Paused):
            return False
        session_event(self._state, session_id, ResumeAsked())
        return True

    # -------------------------------------------------------------------------------------------- reading

    @with_state_lock
    def state_of(self, session_id: SessionId) -> SessionState | None:
        """None: the slot was freed, or taken over."""
        record = self._state.sessions.get(session_id)
        return None if record is None else record.state

    @with_state_lock
    def own_play(self) -> OwnPlay:
        """The sessions of this server, with everything that anybody may be told of them."""
        now = self._clock.monotonic()
        return OwnPlay(
            self._config.now.max_sessions,
            tuple(
                OwnSession(owner_of(record.visitor), _summary(record, self._stats.get(record.id), now))
                for record in self._state.sessions.values()
            ),
        )


def _summary(record: SessionRecord, stats: SessionStats | None, now: float) -> SessionSummary:
    known = stats or SessionStats()
    figures = known.figures(now)
    model, since = _played(record.state)
    return SessionSummary(
        id=record.id,
        client=record.client,
        remote=record.remote,
        state=_state_name(record.state),
        model=model,
        opened_at=record.opened_at,
        playing_since=since,
        frames_sent=figures.frames_sent,
        passes_replaced=figures.passes_replaced,
        frames_per_second=figures.frames_per_second,
        receipt_to_send_ms=Percentiles.model_validate(figures.receipt_to_send_ms, from_attributes=True),
        watchers=known.watchers,
        owner=record.visitor.name if isinstance(record.visitor, Person) else None,
    )


def _state_name(state: SessionState) -> SessionStateName:
    match state:
        case AwaitingSeed():
            return "awaiting_seed"
        case Preparing():
            return "preparing"
        case Playing():
            return "playing"
        case Paused():
            return "paused"
        case Ended():
            return "ended"


def _played(state: SessionState) -> tuple[str | None, float | None]:
    match state:
        case Playing(world, since) | Paused(world, since):
            return world.key.model_id, since
        case Preparing(key):
            return None if key is None else key.model_id, None
        case AwaitingSeed() | Ended():
            return None, None
