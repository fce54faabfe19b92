"""All that affects transitions: which event may happen in which state of a machine, and which state follows.

This module is the only writer of AppState's machines. Whoever applies an event holds the state lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from state.app_state_types import (
    AuthoringDone,
    AuthoringFailed,
    AuthoringJob,
    AuthoringRunning,
    AuthoringState,
    AuthoringWaiting,
    AwaitingSeed,
    DeviceReserved,
    Displaced,
    DisplacementState,
    Ended,
    EngineFailed,
    EngineLoading,
    EngineOffloaded,
    EngineReady,
    EngineState,
    EngineUnloaded,
    EngineUnloading,
    Finishing,
    ModelIdle,
    ModelInUse,
    ModelsKnown,
    ModelsState,
    ModelsUnknown,
    ModelUse,
    ModelVacating,
    NoJob,
    NoSession,
    NotDisplaced,
    NothingUploaded,
    NotRecording,
    NotReserved,
    Paused,
    Playing,
    Preparing,
    Recording,
    RecordingState,
    ReservationState,
    Reserved,
    ServerLifecycle,
    Serving,
    SessionRecord,
    SessionState,
    Starting,
    Stopping,
    Ticket,
    Uploaded,
    UploadState,
)
from state.events import (
    AuthoringEvent,
    BytesUploaded,
    DeviceReturned,
    DeviceTaken,
    DisplacementEvent,
    DisplacementForgotten,
    EngineEvent,
    Evicted,
    JobAccepted,
    JobAdvanced,
    JobFailed,
    JobForgotten,
    JobSucceeded,
    LeaseReturned,
    LeaseTaken,
    LifecycleEvent,
    LoadBegan,
    LoadFailed,
    LoadSucceeded,
    ModelReturned,
    ModelsObserved,
    ModelTaken,
    ModelUseEvent,
    Offloaded,
    PauseAsked,
    PictureGivenBack,
    PictureTaken,
    PlaceLost,
    PlayingBegan,
    PreparingAbandoned,
    PreparingBegan,
    RecordingBegan,
    RecordingClosed,
    RecordingEvent,
    RecordingStopped,
    ReservationAsked,
    ReservationEvent,
    ReservationLeft,
    ResumeAsked,
    ServingBegan,
    SessionAdmitted,
    SessionDisplaced,
    SessionEnded,
    SessionEvent,
    SessionForgotten,
    StopBegan,
    TakenDown,
    UnloadFinished,
    UploadEvent,
    UploadsForgotten,
    VacatingBegan,
    VacatingEnded,
    WorldChanged,
)

if TYPE_CHECKING:
    from state.app_state_types import AppState, EngineKey, JobId, NetworkName, RecordingName, SceneRole, SessionId

State = TypeVar("State")
# (type of the state, type of the event) -> what makes the next state of the two.
Table: TypeAlias = Mapping[tuple[type, type], Callable[..., State]]


class IllegalTransitionError(RuntimeError):
    """An event was applied in a state in which it cannot happen: a defect of the caller."""

    def __init__(self, state: object, event: object) -> None:
        """`event` is one of `state.events`, or the name of one."""
        name = event if isinstance(event, str) else type(event).__name__
        super().__init__(f"{name} cannot happen in {type(state).__name__}.")


def _next(table: Table[State], state: State, event: object) -> State:
    step = table.get((type(state), type(event)))
    if step is None:
        raise IllegalTransitionError(state, event)
    return step(state, event)


def _to(after: State) -> Callable[..., State]:
    """A step to a state that nothing is carried over to."""

    def step(_state: object, _event: object) -> State:
        return after

    return step


# --------------------------------------------------------------------------------------------------- engines


def _begin_load(_: EngineUnloaded | EngineFailed, event: LoadBegan) -> EngineState:
    return EngineLoading(event.attempt, (event.lease,))


def _reload(state: EngineOffloaded, event: LoadBegan) -> EngineState:
    if event.lease != state.keeper:
        raise IllegalTransitionError(state, event)
    return EngineLoading(event.attempt, (event.lease,))


def _finish_load(state: EngineLoading, event: LoadSucceeded) -> EngineState:
    """Whoever came first has a lease. Those beyond the limit have none, and learn it when they wake."""
    return EngineReady(state.leases[: event.max_worlds], event.max_worlds)


def _fail_load(state: EngineLoading, event: LoadFailed) -> EngineState:
    return EngineFailed(state.attempt, event.message)


def _take_lease(state: EngineLoading | EngineReady, event: LeaseTaken) -> EngineState:
    is_full = isinstance(state, EngineReady) and state.max_worlds is not None and len(state.leases) >= state.max_worlds
    if is_full or event.lease in state.leases:
        raise IllegalTransitionError(state, event)
    return replace(state, leases=(*state.leases, event.lease))


def _return_lease(state: EngineLoading | EngineReady, event: LeaseReturned) -> EngineState:
    if event.lease not in state.leases:
        raise IllegalTransitionError(state, event)
    return replace(state, leases=tuple(lease for lease in state.leases if lease != event.lease))


def _return_kept_lease(state: EngineUnloading | EngineOffloaded, event: LeaseReturned) -> EngineState:
    if event.lease != state.keeper:
        raise IllegalTransitionError(state, event)
    return EngineUnloading() if isinstance(state, EngineUnloading) else EngineUnloaded()


def _offload(state: EngineReady, event: Offloaded) -> EngineState:
    if state.leases != (event.lease,):
        raise IllegalTransitionError(state, event)
    return EngineUnloading(event.lease)


def _evict(state: EngineReady, event: Evicted) -> EngineState:
    if state.leases:
        raise IllegalTransitionError(state, event)
    return EngineUnloading()


def _finish_unload(state: EngineUnloading, _: UnloadFinished) -> EngineState:
    return EngineUnloaded() if state.keeper is None else EngineOffloaded(state.keeper)


ENGINE_TABLE: Final[Table[EngineState]] = MappingProxyType(
    {
        (EngineUnloaded, LoadBegan): _begin_load,
        (EngineFailed, LoadBegan): _begin_load,
        (EngineOffloaded, LoadBegan): _reload,
        (EngineLoading, LoadSucceeded): _finish_load,
        (EngineLoading, LoadFailed): _fail_load,
        (EngineLoading, LeaseTaken): _take_lease,
        (EngineLoading, LeaseReturned): _return_lease,
        (EngineReady, LeaseTaken): _take_lease,
        (EngineReady, LeaseReturned): _return_lease,
        (EngineReady, Offloaded): _offload,
        (EngineReady, Evicted): _evict,
        (EngineReady, TakenDown): _to(EngineUnloaded()),
        (EngineUnloading, LeaseReturned): _return_kept_lease,
        (EngineUnloading, UnloadFinished): _finish_unload,
        (EngineOffloaded, LeaseReturned): _return_kept_lease,
    }
)


def engine_event(state: AppState, key: EngineKey, event: EngineEvent) -> EngineState:
    after = _next(ENGINE_TABLE, state.engines.get(key, EngineUnloaded()), event)
    if isinstance(after, EngineUnloaded):
        state.engines.pop(key, None)
    else:
        state.engines[key] = after
    return after


# ------------------------------------------------------------------------- models beside the engine, and their memory

MODEL_USE_TABLE: Final[Table[ModelUse]] = MappingProxyType(
    {
        (ModelIdle, ModelTaken): _to(ModelInUse()),
        (ModelIdle, VacatingBegan): _to(ModelVacating()),
        (ModelInUse, ModelReturned): _to(ModelIdle()),
        (ModelVacating, VacatingEnded): _to(ModelIdle()),
    }
)


def model_use_event(state: AppState, role: SceneRole, event: ModelUseEvent) -> ModelUse:
    after = state.model_use[role] = _next(MODEL_USE_TABLE, state.model_use.get(role, ModelIdle()), event)
    return after


def _ask(_: NotReserved, event: ReservationAsked) -> ReservationState:
    return Reserved(event.ticket)


def _queue(state: Reserved | DeviceReserved, event: ReservationAsked) -> ReservationState:
    return replace(state, waiting=(*state.waiting, event.ticket))


def _leave(state: Reserved, event: ReservationLeft) -> ReservationState:
    if event.ticket != state.holder:
        return replace(state, waiting=_without(state.waiting, event))
    return Reserved(state.waiting[0], state.waiting[1:]) if state.waiting else NotReserved()


def _leave_queue(state: DeviceReserved, event: ReservationLeft) -> ReservationState:
    """The holder returns the device before it leaves."""
    if event.ticket not in state.waiting:
        raise IllegalTransitionError(state, event)
    return replace(state, waiting=_without(state.waiting, event))


def _without(waiting: tuple[Ticket, ...], event: ReservationLeft) -> tuple[Ticket, ...]:
    return tuple(ticket for ticket in waiting if ticket != event.ticket)


def _take_device(state: Reserved, event: DeviceTaken) -> ReservationState:
    return DeviceReserved(state.holder, event.engine, state.waiting)


def _return_device(state: DeviceReserved, _: DeviceReturned) -> ReservationState:
    return Reserved(state.holder, state.waiting)


RESERVATION_TABLE: Final[Table[ReservationState]] = MappingProxyType(
    {
        (NotReserved, ReservationAsked): _ask,
        (Reserved, ReservationAsked): _queue,
        (Reserved, ReservationLeft): _leave,
        (Reserved, DeviceTaken): _take_device,
        (DeviceReserved, ReservationAsked): _queue,
        (DeviceReserved, ReservationLeft): _leave_queue,
        (DeviceReserved, DeviceReturned): _return_device,
    }
)


def reservation_event(state: AppState, event: ReservationEvent) -> ReservationState:
    state.reservation = _next(RESERVATION_TABLE, state.reservation, event)
    return state.reservation


def _first_look(_: ModelsUnknown, event: ModelsObserved) -> ModelsState:
    return event.known


def _next_look(state: ModelsKnown, event: ModelsObserved) -> ModelsState:
    """Looks run side by side: one that began earlier and ends later is dropped."""
    return event.known if event.known.look > state.look else state


MODELS_TABLE: Final[Table[ModelsState]] = MappingProxyType(
    {(ModelsUnknown, ModelsObserved): _first_look, (ModelsKnown, ModelsObserved): _next_look}
)


def models_event(state: AppState, event: ModelsObserved) -> ModelsState:
    state.models = _next(MODELS_TABLE, state.models, event)
    return state.models


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
        (NoSession, SessionAdmitted): _to(AwaitingSeed()),
        (AwaitingSeed, PreparingBegan): _prepare,
        (AwaitingSeed, SessionDisplaced): _to(NoSession()),
        (Preparing, PreparingAbandoned): _to(AwaitingSeed()),
        (Preparing, PlayingBegan): _play,
        (Playing, WorldChanged): _change_world,
        (Playing, PauseAsked): _pause,
        (Paused, WorldChanged): _change_world,
        (Paused, ResumeAsked): _resume,
        (AwaitingSeed, SessionEnded): _end,
        (Preparing, SessionEnded): _end,
        (Playing, SessionEnded): _end,
        (Paused, SessionEnded): _end,
        (AwaitingSeed, SessionForgotten): _to(NoSession()),
        (Preparing, SessionForgotten): _to(NoSession()),
        (Playing, SessionForgotten): _to(NoSession()),
        (Paused, SessionForgotten): _to(NoSession()),
        (Ended, SessionForgotten): _to(NoSession()),
    }
)


def session_event(state: AppState, session_id: SessionId, event: SessionEvent) -> SessionState | NoSession:
    record = state.sessions.get(session_id)
    after = _next(SESSION_TABLE, NoSession() if record is None else record.state, event)
    if isinstance(after, NoSession):
        state.sessions.pop(session_id, None)
    elif record is not None:
        state.sessions[session_id] = replace(record, state=after)
    elif isinstance(event, SessionAdmitted):
        state.sessions[session_id] = SessionRecord(
            session_id, event.client, event.remote, event.visitor, event.opened_at, after
        )
    return after


# ------------------------------------------------------------------------------------------ visitors' addresses


def _displace(_: NotDisplaced | Displaced, event: PlaceLost) -> DisplacementState:
    return Displaced(event.at)


DISPLACEMENT_TABLE: Final[Table[DisplacementState]] = MappingProxyType(
    {
        (NotDisplaced, PlaceLost): _displace,
        (Displaced, PlaceLost): _displace,
        (Displaced, DisplacementForgotten): _to(NotDisplaced()),
    }
)


def displacement_event(state: AppState, network: NetworkName, event: DisplacementEvent) -> DisplacementState:
    after = _next(DISPLACEMENT_TABLE, state.displaced.get(network, NotDisplaced()), event)
    if isinstance(after, NotDisplaced):
        state.displaced.pop(network, None)
    else:
        state.displaced[network] = after
    return after


def _first_bytes(_: NothingUploaded, event: BytesUploaded) -> UploadState:
    return Uploaded(event.at, bytes=event.count)


def _more_bytes(state: Uploaded, event: BytesUploaded) -> UploadState:
    return replace(state, bytes=state.bytes + event.count)


def _first_picture(_: NothingUploaded, event: PictureTaken) -> UploadState:
    return Uploaded(event.at, pictures=1)


def _another_picture(state: Uploaded, _: PictureTaken) -> UploadState:
    return replace(state, pictures=state.pictures + 1)


def _give_picture_back(state: Uploaded, _: PictureGivenBack) -> UploadState:
    """It may have been taken before the count began anew."""
    return replace(state, pictures=max(0, state.pictures - 1))


UPLOAD_TABLE: Final[Table[UploadState]] = MappingProxyType(
    {
        (NothingUploaded, BytesUploaded): _first_bytes,
        (NothingUploaded, PictureTaken): _first_picture,
        (NothingUploaded, PictureGivenBack): _to(NothingUploaded()),
        (Uploaded, BytesUploaded): _more_bytes,
        (Uploaded, PictureTaken): _another_picture,
        (Uploaded, PictureGivenBack): _give_picture_back,
        (Uploaded, UploadsForgotten): _to(NothingUploaded()),
    }
)


def upload_event(state: AppState, network: NetworkName, event: UploadEvent) -> UploadState:
    after = _next(UPLOAD_TABLE, state.uploads.get(network, NothingUploaded()), event)
    if isinstance(after, NothingUploaded):
        state.uploads.pop(network, None)
    else:
        state.uploads[network] = after
    return after


# ------------------------------------------------------------------------------------------------ recordings


def _record(_: NotRecording, event: RecordingBegan) -> RecordingState:
    return Recording(event.session_id, event.since)


def _stop_recording(state: Recording, event: RecordingStopped) -> RecordingState:
    return Finishing(state.session_id, state.since, event.ended_at)


RECORDING_TABLE: Final[Table[RecordingState]] = MappingProxyType(
    {
        (NotRecording, RecordingBegan): _record,
        (Recording, RecordingStopped): _stop_recording,
        (Recording, RecordingClosed): _to(NotRecording()),
        (Finishing, RecordingClosed): _to(NotRecording()),
    }
)


def recording_event(state: AppState, name: RecordingName, event: RecordingEvent) -> RecordingState:
    after = _next(RECORDING_TABLE, state.recordings.get(name, NotRecording()), event)
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
        (NoJob, JobAccepted): _to(AuthoringWaiting()),
        (AuthoringWaiting, JobAdvanced): _advance,
        (AuthoringWaiting, JobFailed): _fail,
        (AuthoringRunning, JobAdvanced): _advance,
        (AuthoringRunning, JobSucceeded): _succeed,
        (AuthoringRunning, JobFailed): _fail,
        (AuthoringDone, JobForgotten): _to(NoJob()),
        (AuthoringFailed, JobForgotten): _to(NoJob()),
    }
)


def authoring_event(state: AppState, job_id: JobId, event: AuthoringEvent) -> AuthoringState | NoJob:
    job: AuthoringJob | None = state.authoring.get(job_id)
    after = _next(AUTHORING_TABLE, NoJob() if job is None else job.state, event)
    if isinstance(after, NoJob):
        state.authoring.pop(job_id, None)
    elif job is not None:
        state.authoring[job_id] = replace(job, state=after)
    elif isinstance(event, JobAccepted):
        state.authoring[job_id] = replace(event.job, state=after)
    return after


# ---------------------------------------------------------------------------------------------------- server

LIFECYCLE_TABLE: Final[Table[ServerLifecycle]] = MappingProxyType(
    {
        (Starting, ServingBegan): _to(Serving()),
        (Starting, StopBegan): _to(Stopping()),
        (Serving, StopBegan): _to(Stopping()),
    }
)


def lifecycle_event(state: AppState, event: LifecycleEvent) -> ServerLifecycle:
    state.lifecycle = _next(LIFECYCLE_TABLE, state.lifecycle, event)
    return state.lifecycle
