"""Transitions of sessions, and of what they ask for: recordings, and scenes made from words."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._tables import To, next_state
from state.app_state_types import (
    AuthoringDone,
    AuthoringFailed,
    AuthoringRunning,
    AuthoringWaiting,
    AwaitingSeed,
    Ended,
    Finishing,
    NoJob,
    NoSession,
    NotRecording,
    Paused,
    Playing,
    Preparing,
    Recording,
    SessionRecord,
    Unfinished,
)
from state.events import (
    JobAccepted,
    JobAdvanced,
    JobFailed,
    JobForgotten,
    JobSucceeded,
    PauseAsked,
    PlayingBegan,
    PreparingAbandoned,
    PreparingBegan,
    RecordingBegan,
    RecordingClosed,
    RecordingLeft,
    RecordingRetried,
    RecordingStopped,
    ResumeAsked,
    SessionAdmitted,
    SessionDisplaced,
    SessionEnded,
    SessionForgotten,
    WorldChanged,
)

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import (
        AppState,
        AuthoringJob,
        AuthoringState,
        JobId,
        RecordingName,
        RecordingState,
        SessionId,
        SessionState,
    )
    from state.events import AuthoringEvent, RecordingEvent, SessionEvent

# -------------------------------------------------------------------------------------------------- sessions


def _prepare(_: AwaitingSeed, event: PreparingBegan) -> SessionState:
    return Preparing(event.key)


def _play(_: Preparing, event: PlayingBegan) -> SessionState:
    return Playing(event.world, event.since)


def _change_world(state: Playing | Paused, event: WorldChanged) -> SessionState:
    return replace(state, world=event.world)


def _pause(state: Playing, _: PauseAsked) -> SessionState:
    return Paused(state.world, state.since)


def _resume(state: Paused, _: ResumeAsked) -> SessionState:
    return Playing(state.world, state.since)


def _end(_: SessionState, event: SessionEnded) -> SessionState:
    return Ended(event.reason)


SESSION_TABLE: Final[Table[SessionState | NoSession]] = MappingProxyType(
    {
        (NoSession, SessionAdmitted): To(AwaitingSeed()),
        (AwaitingSeed, PreparingBegan): _prepare,
        (AwaitingSeed, SessionDisplaced): To(NoSession()),
        (Preparing, PreparingAbandoned): To(AwaitingSeed()),
        (Preparing, PlayingBegan): _play,
        (Playing, WorldChanged): _change_world,
        (Playing, PauseAsked): _pause,
        (Paused, WorldChanged): _change_world,
        (Paused, ResumeAsked): _resume,
        (AwaitingSeed, SessionEnded): _end,
        (Preparing, SessionEnded): _end,
        (Playing, SessionEnded): _end,
        (Paused, SessionEnded): _end,
        (AwaitingSeed, SessionForgotten): To(NoSession()),
        (Preparing, SessionForgotten): To(NoSession()),
        (Playing, SessionForgotten): To(NoSession()),
        (Paused, SessionForgotten): To(NoSession()),
        (Ended, SessionForgotten): To(NoSession()),
    }
)


def session_event(state: AppState, session_id: SessionId, event: SessionEvent) -> SessionState | NoSession:
    record = state.sessions.get(session_id)
    after = next_state(SESSION_TABLE, NoSession() if record is None else record.state, event)
    if isinstance(after, NoSession):
        state.sessions.pop(session_id, None)
    elif record is not None:
        state.sessions[session_id] = replace(record, state=after)
    elif isinstance(event, SessionAdmitted):
        state.sessions[session_id] = SessionRecord(
            session_id, event.client, event.remote, event.visitor, event.opened_at, after
        )
    return after


# ------------------------------------------------------------------------------------------------ recordings


def _record(_: NotRecording, event: RecordingBegan) -> RecordingState:
    return Recording(event.session_id, event.since)


def _stop_recording(state: Recording, event: RecordingStopped) -> RecordingState:
    return Finishing(state.session_id, state.since, event.ended_at)


def _leave_found(_: NotRecording, event: RecordingLeft) -> RecordingState:
    return Unfinished(event.since, event.code, event.message)


def _leave_recording(state: Recording | Finishing, event: RecordingLeft) -> RecordingState:
    return Unfinished(state.since, event.code, event.message)


def _retry_recording(state: Unfinished, event: RecordingRetried) -> RecordingState:
    return Finishing(None, state.since, event.at)


RECORDING_TABLE: Final[Table[RecordingState]] = MappingProxyType(
    {
        (NotRecording, RecordingBegan): _record,
        (Recording, RecordingStopped): _stop_recording,
        (Recording, RecordingClosed): To(NotRecording()),
        (Finishing, RecordingClosed): To(NotRecording()),
        (NotRecording, RecordingLeft): _leave_found,
        (Recording, RecordingLeft): _leave_recording,
        (Finishing, RecordingLeft): _leave_recording,
        (Unfinished, RecordingRetried): _retry_recording,
        (Unfinished, RecordingClosed): To(NotRecording()),
    }
)


def recording_event(state: AppState, name: RecordingName, event: RecordingEvent) -> RecordingState:
    after = next_state(RECORDING_TABLE, state.recordings.get(name, NotRecording()), event)
    if isinstance(after, NotRecording):
        state.recordings.pop(name, None)
    else:
        state.recordings[name] = after
    return after


# -------------------------------------------------------------------------------------------- scene authoring


def _advance(_: AuthoringWaiting | AuthoringRunning, event: JobAdvanced) -> AuthoringState:
    return AuthoringRunning(event.step, event.fraction)


def _succeed(_: AuthoringRunning, event: JobSucceeded) -> AuthoringState:
    return AuthoringDone(event.picture_hash)


def _fail(_: AuthoringWaiting | AuthoringRunning, event: JobFailed) -> AuthoringState:
    return AuthoringFailed(event.code, event.message)


AUTHORING_TABLE: Final[Table[AuthoringState | NoJob]] = MappingProxyType(
    {
        (NoJob, JobAccepted): To(AuthoringWaiting()),
        (AuthoringWaiting, JobAdvanced): _advance,
        (AuthoringWaiting, JobFailed): _fail,
        (AuthoringRunning, JobAdvanced): _advance,
        (AuthoringRunning, JobSucceeded): _succeed,
        (AuthoringRunning, JobFailed): _fail,
        (AuthoringDone, JobForgotten): To(NoJob()),
        (AuthoringFailed, JobForgotten): To(NoJob()),
    }
)


def authoring_event(state: AppState, job_id: JobId, event: AuthoringEvent) -> AuthoringState | NoJob:
    job: AuthoringJob | None = state.authoring.get(job_id)
    after = next_state(AUTHORING_TABLE, NoJob() if job is None else job.state, event)
    if isinstance(after, NoJob):
        state.authoring.pop(job_id, None)
    elif job is not None:
        state.authoring[job_id] = replace(job, state=after)
    elif isinstance(event, JobAccepted):
        state.authoring[job_id] = replace(event.job, state=after)
    return after
