"""Transitions of what is in the device's memory: engines, the models that make scenes, and who may use the device."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._tables import IllegalTransitionError, To, next_state
from state.app_state_types import (
    DeviceReserved,
    EngineFailed,
    EngineLoading,
    EngineOffloaded,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineUnloaded,
    EngineUnloading,
    NotReserved,
    Reserved,
)
from state.events import (
    DeviceReturned,
    DeviceTaken,
    Evicted,
    LeaseReturned,
    LeaseTaken,
    LineJoined,
    LineLeft,
    LoadBegan,
    LoadFailed,
    LoadSucceeded,
    ModelReturned,
    ModelsObserved,
    ModelTaken,
    Offloaded,
    ParkBegan,
    ParkFinished,
    ReservationAsked,
    ReservationLeft,
    TakenDown,
    UnloadFinished,
    VacatingBegan,
    VacatingEnded,
)
from state.model_states import ModelIdle, ModelInUse, ModelsKnown, ModelsUnknown, ModelVacating

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import AppState, EngineKey, EngineState, ReservationState, Ticket
    from state.events import EngineEvent, ModelUseEvent, ReservationEvent
    from state.model_states import ModelsState, ModelUse, SceneRole

# --------------------------------------------------------------------------------------------------- engines


def _begin_load(_: EngineUnloaded | EngineFailed, event: LoadBegan) -> EngineState:
    return EngineLoading(event.attempt, () if event.lease is None else (event.lease,))


def _reload(state: EngineOffloaded | EngineParked, event: LoadBegan) -> EngineState:
    if state.keeper is None:
        return EngineLoading(event.attempt, () if event.lease is None else (event.lease,))
    if event.lease != state.keeper:
        raise IllegalTransitionError(state, event)
    return EngineLoading(event.attempt, (state.keeper,))


def _finish_load(state: EngineLoading, event: LoadSucceeded) -> EngineState:
    """Whoever came first has a lease. Those beyond the limit have none, and learn it when they wake."""
    leases = state.leases[: event.max_worlds]
    return EngineReady(leases, event.max_worlds, idle_since=None if leases else event.at)


def _fail_load(state: EngineLoading, event: LoadFailed) -> EngineState:
    return EngineFailed(state.attempt, event.message)


def _take_lease(state: EngineLoading | EngineReady, event: LeaseTaken) -> EngineState:
    is_full = isinstance(state, EngineReady) and state.max_worlds is not None and len(state.leases) >= state.max_worlds
    if is_full or event.lease in state.leases:
        raise IllegalTransitionError(state, event)
    taken = replace(state, leases=(*state.leases, event.lease))
    if isinstance(taken, EngineReady):
        waiting = tuple(lease for lease in taken.waiting if lease != event.lease)
        return replace(taken, waiting=waiting, idle_since=None)
    return taken


def _join_line(state: EngineReady, event: LineJoined) -> EngineState:
    if event.lease in (*state.leases, *state.waiting):
        raise IllegalTransitionError(state, event)
    return replace(state, waiting=(*state.waiting, event.lease))


def _leave_line(state: EngineReady, event: LineLeft) -> EngineState:
    if event.lease not in state.waiting:
        raise IllegalTransitionError(state, event)
    return replace(state, waiting=tuple(lease for lease in state.waiting if lease != event.lease))


def _return_lease(state: EngineLoading | EngineReady, event: LeaseReturned) -> EngineState:
    if event.lease not in state.leases:
        raise IllegalTransitionError(state, event)
    left = tuple(lease for lease in state.leases if lease != event.lease)
    if isinstance(state, EngineLoading):
        return replace(state, leases=left)
    return replace(state, leases=left, idle_since=None if left else event.at)


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


def _begin_parking(state: EngineReady, event: ParkBegan) -> EngineState:
    if state.leases != (() if event.lease is None else (event.lease,)):
        raise IllegalTransitionError(state, event)
    return EngineParking(event.at if state.idle_since is None else state.idle_since, event.lease)


def _finish_parking(state: EngineParking, event: ParkFinished) -> EngineState:
    return EngineParked(state.idle_since, event.ram, state.keeper)


def _return_parked_lease(state: EngineParking | EngineParked, event: LeaseReturned) -> EngineState:
    if event.lease != state.keeper:
        raise IllegalTransitionError(state, event)
    return replace(state, keeper=None, idle_since=event.at)


def _evict_parked(state: EngineParking | EngineParked, _: Evicted) -> EngineState:
    return EngineUnloading(state.keeper)


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
        (EngineReady, LineJoined): _join_line,
        (EngineReady, LineLeft): _leave_line,
        (EngineReady, Offloaded): _offload,
        (EngineReady, Evicted): _evict,
        (EngineReady, ParkBegan): _begin_parking,
        (EngineReady, TakenDown): To(EngineUnloaded()),
        (EngineParking, ParkFinished): _finish_parking,
        (EngineParking, LeaseReturned): _return_parked_lease,
        (EngineParking, Evicted): _evict_parked,
        (EngineParked, LoadBegan): _reload,
        (EngineParked, LeaseReturned): _return_parked_lease,
        (EngineParked, Evicted): _evict_parked,
        (EngineParked, TakenDown): To(EngineUnloaded()),
        (EngineUnloading, LeaseReturned): _return_kept_lease,
        (EngineUnloading, UnloadFinished): _finish_unload,
        (EngineOffloaded, LeaseReturned): _return_kept_lease,
    }
)


def engine_event(state: AppState, key: EngineKey, event: EngineEvent) -> EngineState:
    after = next_state(ENGINE_TABLE, state.engines.get(key, EngineUnloaded()), event)
    if isinstance(after, EngineUnloaded):
        state.engines.pop(key, None)
    else:
        state.engines[key] = after
    return after


# ------------------------------------------------------------------------- models beside the engine, and their memory

MODEL_USE_TABLE: Final[Table[ModelUse]] = MappingProxyType(
    {
        (ModelIdle, ModelTaken): To(ModelInUse()),
        (ModelIdle, VacatingBegan): To(ModelVacating()),
        (ModelInUse, ModelReturned): To(ModelIdle()),
        (ModelVacating, VacatingEnded): To(ModelIdle()),
    }
)


def model_use_event(state: AppState, role: SceneRole, event: ModelUseEvent) -> ModelUse:
    after = state.model_use[role] = next_state(MODEL_USE_TABLE, state.model_use.get(role, ModelIdle()), event)
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
    state.reservation = next_state(RESERVATION_TABLE, state.reservation, event)
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
    state.models = next_state(MODELS_TABLE, state.models, event)
    return state.models
