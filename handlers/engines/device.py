"""Who may have the device: it holds one engine at a time, or none while models for scenes are in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from state.app_state_types import (
    AppState,
    DeviceReserved,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineState,
    EngineUnloading,
    SessionId,
    leases_of,
)
from state.events import DeviceReturned, DeviceTaken, Evicted, ParkBegan
from state.transitions import engine_event, reservation_event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import RLock

    from handlers.engines._live import LiveEngines
    from handlers.engines.parked import ParkedEngines
    from services.clock.clock import Clock
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue

EnginesThere: TypeAlias = "list[tuple[CatalogueEntry, EngineKey, EngineState]]"

# The states in which an engine may have been offloaded, with its session as keeper.
_LEAVING: Final = (EngineUnloading, EngineParking, EngineParked, EngineOffloaded)


@dataclass(frozen=True, slots=True)
class Unload:
    """The engine has to be closed. The caller has `Device.carry_out` do it, and waits."""

    key: EngineKey


@dataclass(frozen=True, slots=True)
class Park:
    """As `Unload`, of an engine that may wait in host memory, if it has room there. `following` takes its place."""

    key: EngineKey
    following: EngineKey | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Until the state has changed. `attempt` is the load that is waited for, if it is one."""

    attempt: int | None = None


class Device(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        catalogue: WorldEngineCatalogue,
        live: LiveEngines,
        parked: ParkedEngines,
        clock: Clock,
        changes: StateChanges,
    ) -> None:
        super().__init__(state, lock)
        self._clock = clock
        self._catalogue = catalogue
        self._live = live
        self._parked = parked
        self._changes = changes

    def carry_out(self, step: Unload | Park) -> None:
        """Begin to take an engine off the device."""
        match step:
            case Unload(key):
                self._live.unload(key)
            case Park(key, following):
                self._parked.park(key, following)

    # --------------------------------------------------------------------------------------- for another engine

    @with_state_lock
    def clear_for(self, key: EngineKey, session: SessionId | None) -> Unload | Park | Wait | None:
        """What has to happen before an engine can be loaded there for a session (None: for nobody yet); None: nothing.

        Raises:
            DomainError: another session has the device.
        """
        if isinstance(self._state.reservation, DeviceReserved):
            return Wait()
        return self._clear(self._others(key), session, key)

    @with_state_lock
    def is_kept_from(self, session: SessionId, key: EngineKey) -> bool:
        """Whether another session may still want the device back from the engine, as it has offloaded its own."""
        return any(
            isinstance(state, _LEAVING) and any(lease.session != session for lease in leases_of(state))
            for _, _, state in self._others(key)
        )

    # ---------------------------------------------------------------------------------------- for films

    def send_idle_away(self) -> bool:
        """Begin to take the engine off the device that nobody uses; whether there is one."""
        step = self._begin_leaving_if_idle()
        if step is not None:
            self.carry_out(step)
        return step is not None

    # ---------------------------------------------------------------------------------------- for models of scenes

    async def reserve(self, asker: SessionId | None) -> None:
        """Keep the device free of engines until `give_back`, for the holder of the reservation.

        Engines that nobody holds leave it. What `asker` has offloaded itself stays offloaded.

        Raises:
            DomainError: a session uses the device; it is not reserved then.
        """
        evicted: EngineKey | None = None
        while True:
            mark = self._changes.mark()
            step = self._reserve(asker, evicted)
            match step:
                case None:
                    return
                case Unload(key) | Park(key):
                    evicted = key
                    self.carry_out(step)
                case Wait():
                    pass
            await self._changes.after(mark)

    def give_back(self) -> None:
        with self._lock:
            reservation_event(self._state, DeviceReturned())
        self._changes.announce()

    @with_state_lock
    def is_played_on_by(self, session: SessionId) -> bool:
        return any(
            isinstance(state, EngineReady) and any(lease.session == session for lease in state.leases)
            for _, _, state in self._others(None)
        )

    # ------------------------------------------------------------------------------------------------------ parts

    @with_state_lock
    def _reserve(self, asker: SessionId | None, evicted: EngineKey | None) -> Unload | Park | Wait | None:
        step = self._clear(self._others(None), asker, None)
        if step is None:
            offloaded = next((key for _, key, _ in self._others(None)), evicted)
            reservation_event(self._state, DeviceTaken(offloaded or self._default()))
        return step

    def _clear(
        self, others: EnginesThere, session: SessionId | None, following: EngineKey | None
    ) -> Unload | Park | Wait | None:
        """Engines without leases go, those with leases stay, and leases that give way are waited for.

        What a session has offloaded is not in its own way.
        """
        for entry, _, state in others:
            holders = {lease.session for lease in leases_of(state) if not lease.gives_way}
            is_own = isinstance(state, _LEAVING) and holders == {session}
            if holders and not is_own:
                raise device_busy(entry)
        if any(isinstance(state, EngineLoading | EngineUnloading | EngineParking) for _, _, state in others):
            return Wait()
        for _, key, state in others:
            if isinstance(state, EngineReady) and state.leases:
                return Wait()  # for leases that give way
            if isinstance(state, EngineReady):
                return self._begin_leaving(key, following)
        return None

    @with_state_lock
    def _begin_leaving_if_idle(self) -> Unload | Park | None:
        for _, key, state in self._others(None):
            if isinstance(state, EngineReady) and not state.leases:
                return self._begin_leaving(key, None)
        return None

    def _begin_leaving(self, key: EngineKey, following: EngineKey | None) -> Unload | Park:
        if self._parked.is_wanted(key):
            engine_event(self._state, key, ParkBegan(self._clock.monotonic()))
            return Park(key, following)
        engine_event(self._state, key, Evicted())
        return Unload(key)

    def _others(self, wanted: EngineKey | None) -> EnginesThere:
        return [one for one in engines_there(self._state.engines, self._catalogue) if one[1] != wanted]

    def _default(self) -> EngineKey | None:
        default = self._catalogue.default
        return EngineKey(default.model_id, default.quants[0]) if default.placement == "device" else None


def engines_there(engines: Mapping[EngineKey, EngineState], catalogue: WorldEngineCatalogue) -> EnginesThere:
    """The engines that have the device, are on their way to or from it, or have been offloaded from it."""
    found: EnginesThere = []
    for key, state in engines.items():
        entry = catalogue.find(key.model_id)
        is_elsewhere = isinstance(state, EngineFailed) or (isinstance(state, EngineParked) and state.keeper is None)
        if entry is not None and entry.placement == "device" and not is_elsewhere:
            found.append((entry, key, state))
    return found


def device_busy(entry: CatalogueEntry) -> DomainError:
    return DomainError(
        f"The device is in use by {entry.model_id}. Try again when its sessions have ended.", ErrorCode.MODEL_BUSY
    )
