"""Engines in memory: each is loaded once, leased to sessions, and leaves when another one needs the device."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines._leases import Leases, LineReport
from handlers.engines._live import LiveEngines, MemoryKeeper
from handlers.engines._loading import EngineLoads
from handlers.engines.device import Device, Park, Unload, device_busy
from handlers.engines.keeping import EngineKeeping
from handlers.engines.lease import EngineLease, LeaseError
from handlers.engines.parked import ParkedEngines
from handlers.engines.room import EngineRoom
from state.app_state_types import (
    AppState,
    EngineKey,
    EngineLoading,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineState,
    EngineUnloaded,
    EngineUnloading,
    Lease,
    NotReserved,
    SessionId,
    leases_of,
)
from state.events import Evicted, Offloaded, ParkBegan
from state.transitions import engine_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from threading import RLock

    from handlers.engines.fitting import EngineNeedsBook
    from handlers.engines.meter import LoadMeter
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import WorldEngine


logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class EnginePool(StateHandler):
    """CPU engines live side by side. The device holds one engine at a time, which sessions can share.

    Others that were on it wait in host memory (`parked`), as far as that has room.
    """

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        catalogue: WorldEngineCatalogue,
        task_runner: TaskRunner,
        clock: Clock,
        metrics: Metrics,
        memory: MemoryKeeper,
        meter: LoadMeter,
        needs: EngineNeedsBook,
        changes: StateChanges,
        idle_s: Current[float | None],
        least_rate_percent: Current[int],
        parked_bytes: Current[int | None],
    ) -> None:
        super().__init__(state, lock)
        self._catalogue = catalogue
        self._clock = clock
        self._changes = changes
        self._lease_ids = count(1)
        self._live = LiveEngines(state, lock, task_runner=task_runner, memory=memory, meter=meter, changes=changes)
        self.parked = ParkedEngines(
            state,
            lock,
            catalogue=catalogue,
            live=self._live,
            needs=needs,
            task_runner=task_runner,
            limit=parked_bytes,
        )
        loads = EngineLoads(
            state,
            lock,
            live=self._live,
            parked=self.parked,
            task_runner=task_runner,
            clock=clock,
            metrics=metrics,
            memory=memory,
            meter=meter,
        )
        self.device = Device(
            state, lock, catalogue=catalogue, live=self._live, parked=self.parked, clock=clock, changes=changes
        )
        self.keeping = EngineKeeping(
            state,
            lock,
            live=self._live,
            loads=loads,
            parked=self.parked,
            device=self.device,
            clock=clock,
            changes=changes,
            idle_s=idle_s,
        )
        self._room = EngineRoom(self._live, least_rate_percent)
        self._leases = Leases(
            state, lock, loads=loads, device=self.device, room=self._room, clock=clock, changes=changes
        )

    def entry(self, model_id: str) -> CatalogueEntry:
        """The catalogue's entry.

        Raises:
            DomainError: there is no such model; the text names those there are.
        """
        entry = self._catalogue.find(model_id)
        if entry is None:
            names = ", ".join(entry.model_id for entry in self._catalogue.entries())
            raise DomainError(
                f"This server has no model “{model_id}”. It has: {names}. Choose one of them as the world model in the "
                "settings of your client.",
                ErrorCode.UNKNOWN_MODEL,
            )
        return entry

    # --------------------------------------------------------------------------------------------- leases

    @asynccontextmanager
    async def lease(
        self,
        key: EngineKey,
        session: SessionId,
        report: LoadReport | None = None,
        in_line: LineReport | None = None,
        *,
        gives_way: bool = False,
    ) -> AsyncGenerator[EngineLease]:
        """Have an engine in memory, loaded first if need be, until the end of the block; close its worlds before that.

        A session may hold several leases on one engine, each for one open world. `report` is called on the loading
        thread. Cancelling does not stop a load, as others may wait for it. With `in_line`, which is told the number in
        line whenever it has changed, this waits where the engine has no room for another world.
        With `gives_way`, others wait for the lease instead of being refused, and its holder gives it back once it
        `is_wanted`.

        Raises:
            DomainError: the load failed, the engine has no room for another world, or others use the device.
        """
        entry = self.entry(key.model_id)
        lease = Lease(next(self._lease_ids), session, gives_way)
        self._leases.enlist(key, lease)
        try:
            await self._leases.obtain(key, entry, lease, report, in_line)
            yield EngineLease(self._engine_of, key, lease)
        finally:
            self._leases.give_back(key, lease)
            self._unload_if_outdated(key)
            self._changes.announce()

    async def offload(self, lease: EngineLease, following: EngineKey | None = None) -> None:
        """Take the engine off the device for a while; the caller has closed its world. The lease stays.

        It waits in host memory if that has room, also for `following`, which is loaded next; otherwise it is unloaded.
        Until `reload`, or the end of the lease, nobody but the lease's session can load an engine on the device. When
        this is cancelled, the engine leaves the device all the same.

        Raises:
            DomainError: there is another lease on the engine, or it is not on the device; nothing has happened then.
        """
        step = self._begin_offload(lease, following)
        if step is not None:
            self.device.carry_out(step)
        while True:
            mark = self._changes.mark()
            if not isinstance(self.of(lease.key), EngineUnloading | EngineParking):
                return
            await self._changes.after(mark)

    @with_state_lock
    def check_offload(self, lease: EngineLease) -> None:
        """Ask before closing a world.

        Raises:
            DomainError: `offload` would raise it now.
        """
        if not self._is_alone_on_device(lease.key, self._leases.find(lease.key, lease.id)):
            raise device_busy(self.entry(lease.key.model_id))

    async def reload(self, lease: EngineLease) -> None:
        """Load the engine again after `offload`; nothing happens if it is in memory.

        When this is cancelled, or fails, it can be called again. After a failure the lease holds nothing until then.

        Raises:
            DomainError: the load failed, or others use the device by now.
            LeaseError: the lease was given back.
        """
        await self._leases.obtain(lease.key, self.entry(lease.key.model_id), self._leases.find(lease.key, lease.id))

    @with_state_lock
    def _engine_of(self, key: EngineKey, lease: Lease) -> WorldEngine:
        match self.of(key):
            case EngineReady(leases=leases) if lease in leases:
                return self._live.get(key).engine
            case state:
                raise LeaseError(f"{key.model_id} is not in memory for lease {lease.id}: {type(state).__name__}.")

    # -------------------------------------------------------------------------------------------- reading

    @with_state_lock
    def of(self, key: EngineKey) -> EngineState:
        return self._state.engines.get(key, EngineUnloaded())

    @with_state_lock
    def has_room(self, key: EngineKey) -> bool:
        """Whether the engine, if it is in memory, has room for another world."""
        state = self.of(key)
        if not isinstance(state, EngineReady):
            return True
        room = self._room.of(key, state).worlds
        return room is None or len(state.leases) + len(state.waiting) < room

    @with_state_lock
    def is_wanted(self, key: EngineKey) -> bool:
        """Whether anybody plays, or wants to play, where the engine runs; or makes a scene on its device."""
        placement = self.entry(key.model_id).placement
        if placement == "device" and not isinstance(self._state.reservation, NotReserved):
            return True
        return any(
            not lease.gives_way and self.entry(other.model_id).placement == placement
            for other, lease in self._leases.all()
        )

    @with_state_lock
    def loaded_models(self) -> frozenset[str]:
        return frozenset(key.model_id for key, state in self._state.engines.items() if isinstance(state, EngineReady))

    @with_state_lock
    def parked_models(self) -> frozenset[str]:
        """Those that wait in host memory."""
        return frozenset(key.model_id for key, state in self._state.engines.items() if isinstance(state, EngineParked))

    def unload_outdated(self) -> None:
        """Unload engines that the settings have changed and that nobody leases; those in use go when they are left."""
        for key in self._keys():
            self._unload_if_outdated(key)

    def look_at_lines_again(self) -> None:
        """Let those in who wait, if there is room for them by now."""
        self._changes.announce()

    def take_all(self) -> tuple[WorldEngine, ...]:
        """Empty the pool at the end of the server; the caller closes what it gets."""
        return self._live.take_all()

    def _unload_if_outdated(self, key: EngineKey) -> None:
        if self._evict_if_outdated(key):
            logger.info("A model is unloaded, as its settings have changed", model=key.model_id)
            self._live.unload(key)

    @with_state_lock
    def _keys(self) -> tuple[EngineKey, ...]:
        return tuple(self._state.engines)

    @with_state_lock
    def _evict_if_outdated(self, key: EngineKey) -> bool:
        entry, state = self._catalogue.find(key.model_id), self.of(key)
        if entry is None or not isinstance(state, EngineReady | EngineParked) or leases_of(state):
            return False
        if not self._live.is_outdated(key, entry):
            return False
        engine_event(self._state, key, Evicted())
        return True

    @with_state_lock
    def _begin_offload(self, lease: EngineLease, following: EngineKey | None) -> Unload | Park | None:
        """None: it was offloaded before."""
        self.check_offload(lease)
        if not isinstance(self.of(lease.key), EngineReady):
            return None
        if self.parked.is_wanted(lease.key):
            held = self._leases.find(lease.key, lease.id)
            engine_event(self._state, lease.key, ParkBegan(self._clock.monotonic(), held))
            return Park(lease.key, following)
        engine_event(self._state, lease.key, Offloaded(self._leases.find(lease.key, lease.id)))
        return Unload(lease.key)

    def _is_alone_on_device(self, key: EngineKey, lease: Lease) -> bool:
        state = self.of(key)
        return (
            not isinstance(state, EngineLoading)
            and leases_of(state) == (lease,)
            and self.entry(key.model_id).placement == "device"
        )
