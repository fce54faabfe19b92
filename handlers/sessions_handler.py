"""Sessions as AppState knows them: admission, transitions, and the list of who plays what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from api_types import SessionsResponse, SessionStateName, SessionSummary
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
    def __init__(self, state: AppState, lock: RLock, clock: Clock, max_sessions: int) -> None:
        super().__init__(state, lock)
        self._clock = clock
        self._max_sessions = max_sessions
        self._stats: dict[SessionId, SessionStats] = {}

    # ---------------------------------------------------------------------------------- coming and going

    @with_state_lock
    def admit(self, session_id: SessionId, client: str, remote: str) -> Admission:
        """Give a newcomer a slot, if need be that of the session that has waited longest without an `init`."""
        if isinstance(self._state.lifecycle, Stopping):
            return ServerStopping()
        displaced = None
        if len(self._state.sessions) >= self._max_sessions:
            records = self._state.sessions.values()
            displaced = next((record.id for record in records if isinstance(record.state, AwaitingSeed)), None)
            if displaced is None:
                ending = any(isinstance(record.state, Ended) for record in records)
                return SlotsEnding() if ending else SlotsTaken()
            # It has no loop to join yet, so its slot is free at once.
            session_event(self._state, displaced, SessionDisplaced())
        session_event(self._state, session_id, SessionAdmitted(client, remote, self._clock.wall()))
        return Admitted(displaced)

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
        receipt_to_send_ms=figures.receipt_to_send_ms,
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
