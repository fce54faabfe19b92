"""Sessions as AppState knows them: admission, transitions, and the list of who plays what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from api_types import Percentiles, SessionsResponse, SessionStateName, SessionSummary
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
    PauseAsked,
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
from state.transitions import IllegalTransitionError, session_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from services.clock.clock import Clock

_DISPLACED_WAITS_S: Final = 20.0  # before whoever had to give way may displace somebody else


@dataclass(frozen=True, slots=True)
class Admitted:
    """The newcomer has a slot. `displaced` gave way for it and has to be told."""

    displaced: SessionId | None


@dataclass(frozen=True, slots=True)
class SlotsEnding:
    """Full, but a session that is over is about to free its slot."""


@dataclass(frozen=True, slots=True)
class SlotsTaken:
    pass


@dataclass(frozen=True, slots=True)
class ServerStopping:
    pass


Admission: TypeAlias = Admitted | SlotsEnding | SlotsTaken | ServerStopping


class SessionsHandler(StateHandler):
    def __init__(
        self, state: AppState, lock: RLock, clock: Clock, max_sessions: int, *, displace_after_s: float
    ) -> None:
        """`displace_after_s` is how long a session may keep its place without an `init` while others want one."""
        super().__init__(state, lock)
        self._clock = clock
        self._max_sessions = max_sessions
        self._displace_after_s = displace_after_s
        self._displaced_at: dict[str, float] = {}  # when clients of an address had to give way, monotonic seconds
        self._stats: dict[SessionId, SessionStats] = {}

    # ---------------------------------------------------------------------------------- coming and going

    @with_state_lock
    def admit(self, session_id: SessionId, client: str, remote: str) -> Admission:
        """Give a newcomer a slot, if need be that of the session that has waited longest without an `init`.

        A client on its error screen connects again and again, without an `init`. So whoever had to give way does not
        take another one's place at once.
        """
        if isinstance(self._state.lifecycle, Stopping):
            return ServerStopping()
        now, displaced = self._clock.wall(), None
        if len(self._state.sessions) >= self._max_sessions:
            displaced = self._longest_without_init(now, remote)
            if displaced is None:
                ending = any(isinstance(record.state, Ended) for record in self._state.sessions.values())
                return SlotsEnding() if ending else SlotsTaken()
            # It has no loop to join yet, so its slot is free at once.
            self._displaced_at[displaced.remote] = self._clock.monotonic()
            session_event(self._state, displaced.id, SessionDisplaced())
        session_event(self._state, session_id, SessionAdmitted(client, remote, now))
        return Admitted(None if displaced is None else displaced.id)

    def _longest_without_init(self, now: float, newcomer: str) -> SessionRecord | None:
        """The session that gives way to a newcomer from that address, if one does."""
        earliest = self._clock.monotonic() - _DISPLACED_WAITS_S
        self._displaced_at = {address: at for address, at in self._displaced_at.items() if at > earliest}
        if newcomer in self._displaced_at:
            return None
        waiting = (record for record in self._state.sessions.values() if isinstance(record.state, AwaitingSeed))
        oldest = next(waiting, None)
        return oldest if oldest is not None and now - oldest.opened_at >= self._displace_after_s else None

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
    def begin_preparing(self, session_id: SessionId, key: EngineKey) -> bool:
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
    def summaries(self) -> SessionsResponse:
        now = self._clock.monotonic()
        return SessionsResponse(
            max_sessions=self._max_sessions,
            sessions=[_summary(record, self._stats.get(record.id), now) for record in self._state.sessions.values()],
        )


def _summary(record: SessionRecord, stats: SessionStats | None, now: float) -> SessionSummary:
    figures = (stats or SessionStats()).figures(now)
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
            return key.model_id, None
        case AwaitingSeed() | Ended():
            return None, None
