"""How leases are taken and given back: whoever wants an engine has it loaded, waits for it, or stands in line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines.device import Device, Park, Unload, Wait
from handlers.engines.lease import LeaseError
from state.app_state_types import (
    AppState,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineState,
    EngineUnloaded,
    EngineUnloading,
    Lease,
    leases_of,
)
from state.events import LeaseReturned, LeaseTaken, LineJoined, LineLeft
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines._loading import EngineLoads
    from handlers.engines.room import EngineRoom
    from services.clock.clock import Clock
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadReport

LineReport: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Leased:
    """The engine is in memory, and the lease on it is taken."""


@dataclass(frozen=True, slots=True)
class _Load:
    attempt: int


@dataclass(frozen=True, slots=True)
class _InLine:
    """Until a place is free. `number` 1 is the next."""

    number: int


_Step: TypeAlias = _Leased | _Load | Unload | Park | Wait | _InLine


class Leases(StateHandler):
    """Knows every lease whose block has not ended, whether it has its engine or not."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        loads: EngineLoads,
        device: Device,
        room: EngineRoom,
        clock: Clock,
        changes: StateChanges,
    ) -> None:
        super().__init__(state, lock)
        self._loads = loads
        self._device = device
        self._room = room
        self._clock = clock
        self._changes = changes
        self._open: dict[int, tuple[EngineKey, Lease]] = {}

    @with_state_lock
    def enlist(self, key: EngineKey, lease: Lease) -> None:
        self._open[lease.id] = (key, lease)

    @with_state_lock
    def give_back(self, key: EngineKey, lease: Lease) -> None:
        del self._open[lease.id]
        state = self._of(key)
        if lease in leases_of(state):
            engine_event(self._state, key, LeaseReturned(lease, self._clock.monotonic()))
        elif isinstance(state, EngineReady) and lease in state.waiting:
            engine_event(self._state, key, LineLeft(lease))

    @with_state_lock
    def find(self, key: EngineKey, lease_id: int) -> Lease:
        """Raises: LeaseError, it was given back."""
        found = self._open.get(lease_id)
        if found is None:
            raise LeaseError(f"Lease {lease_id} on {key.model_id} was given back.")
        return found[1]

    @with_state_lock
    def all(self) -> tuple[tuple[EngineKey, Lease], ...]:
        return tuple(self._open.values())

    async def obtain(
        self,
        key: EngineKey,
        entry: CatalogueEntry,
        lease: Lease,
        report: LoadReport | None = None,
        in_line: LineReport | None = None,
    ) -> None:
        """Have the engine in memory and the lease on it. See `EnginePool.lease`."""
        awaited: int | None = None
        told = 0
        while True:
            mark = self._changes.mark()
            step = self._next_step(key, entry, lease, awaited, waits=in_line is not None)
            match step:
                case _Leased():
                    return
                case _Load(attempt):
                    awaited = attempt
                    self._loads.load(key, entry, report)
                case Unload() | Park():
                    self._device.carry_out(step)
                case Wait(attempt):
                    awaited = attempt
                case _InLine(number):
                    if in_line is not None and number != told:
                        in_line(number)
                        told = number
                case _:
                    assert_never(step)
            await self._changes.after(mark)

    # ------------------------------------------------------------------------------------------------------ parts

    def _of(self, key: EngineKey) -> EngineState:
        return self._state.engines.get(key, EngineUnloaded())

    @with_state_lock
    def _next_step(
        self, key: EngineKey, entry: CatalogueEntry, lease: Lease, awaited: int | None, *, waits: bool
    ) -> _Step:
        self.find(key, lease.id)  # a `reload` must not outlive its lease, and take it again
        current = self._of(key)
        match current:
            case EngineReady(leases=leases) if lease in leases:
                return _Leased()
            case EngineLoading(attempt, leases) if lease in leases:
                return Wait(attempt)
            case EngineFailed(attempt, message) if attempt == awaited:
                raise DomainError(message, ErrorCode.MODEL_LOAD_FAILED)
            case EngineReady() | EngineLoading():
                return self._join(key, entry, lease, current, waits=waits)
            case EngineUnloading() | EngineParking():
                return Wait()
            case EngineOffloaded(keeper) | EngineParked(keeper=keeper) if keeper not in (None, lease):
                return Wait()
            case EngineOffloaded() | EngineParked() | EngineFailed() | EngineUnloaded():
                step = self._device.clear_for(key, lease.session) if entry.placement == "device" else None
                return step or _Load(self._loads.begin(key, lease))
            case _:
                assert_never(current)

    def _join(
        self, key: EngineKey, entry: CatalogueEntry, lease: Lease, current: EngineReady | EngineLoading, *, waits: bool
    ) -> _Step:
        """Take a lease on an engine that is in memory, or on its way there."""
        if entry.placement == "device" and self._device.is_kept_from(lease.session, key):
            return Wait()
        if isinstance(current, EngineReady) and (number := self._room.place_in_line(key, current, lease)):
            if any(held.gives_way for held in current.leases):
                return Wait()
            if not waits:
                raise self._room.refusal(entry, key, current, number)
            if lease not in current.waiting:
                engine_event(self._state, key, LineJoined(lease))
            return _InLine(number)
        engine_event(self._state, key, LeaseTaken(lease))
        return _Leased() if isinstance(current, EngineReady) else Wait(current.attempt)
