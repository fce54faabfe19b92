"""Engines in memory: each is loaded once, leased to sessions, and unloaded when another one needs the device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias, assert_never

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines._loading import LoadedEngines, MemoryKeeper
from handlers.engines.device import Device, Unload, Wait, device_busy
from handlers.engines.keeping import EngineKeeping
from handlers.engines.room import EngineRoom
from state.app_state_types import (
    AppState,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineReady,
    EngineState,
    EngineUnloaded,
    EngineUnloading,
    Lease,
    NotReserved,
    SessionId,
    leases_of,
)
from state.events import (
    Evicted,
    LeaseReturned,
    LeaseTaken,
    LineJoined,
    LineLeft,
    Offloaded,
)
from state.transitions import engine_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from threading import RLock

    from handlers.engines.meter import LoadMeter
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import WorldEngine


logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class LeaseError(RuntimeError):
    """An engine was used through a lease that does not have it in memory: a defect of the caller."""


class EngineLease:
    """The right of a session to one open world in an engine. It ends with the block of `EnginePool.lease`."""

    def __init__(self, pool: EnginePool, key: EngineKey, lease: Lease) -> None:
        self._pool = pool
        self._lease = lease
        self.key = key

    @property
    def id(self) -> int:
        return self._lease.id

    @property
    def session(self) -> SessionId:
        return self._lease.session

    @property
    def engine(self) -> WorldEngine:
        """Raises: LeaseError, the engine is offloaded, or the lease was given back."""
        return self._pool.engine_of(self.key, self._lease)


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


_Step: TypeAlias = _Leased | _Load | Unload | Wait | _InLine
LineReport: TypeAlias = Callable[[int], None]


class EnginePool(StateHandler):
    """CPU engines live side by side. The device holds one engine at a time, which sessions can share."""

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
        changes: StateChanges,
        idle_s: Current[float | None],
        least_rate_percent: Current[int],
    ) -> None:
        super().__init__(state, lock)
        self._catalogue = catalogue
        self._clock = clock
        self._engines = LoadedEngines(
            state,
            lock,
            task_runner=task_runner,
            clock=clock,
            metrics=metrics,
            memory=memory,
            meter=meter,
            changes=changes,
        )
        self.device = Device(state, lock, catalogue=catalogue, engines=self._engines, changes=changes)
        self.keeping = EngineKeeping(
            state, lock, engines=self._engines, device=self.device, clock=clock, changes=changes, idle_s=idle_s
        )
        self._room = EngineRoom(self._engines, least_rate_percent)
        self._changes = changes
        self._open_leases: dict[int, tuple[EngineKey, Lease]] = {}  # of every block of `lease` that has not ended
        self._lease_ids = count(1)

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
        self._enlist(key, lease)
        try:
            await self._obtain(key, entry, lease, report, in_line)
            yield EngineLease(self, key, lease)
        finally:
            self._give_back(key, lease)
            self._unload_if_outdated(key)
            self._changes.announce()

    async def offload(self, lease: EngineLease) -> None:
        """Give the memory of the engine back for a while; the caller has closed its world. The lease stays.

        Until `reload`, or the end of the lease, nobody but the lease's session can load an engine on the device. When
        this is cancelled, the engine is unloaded all the same.

        Raises:
            DomainError: there is another lease on the engine, or it is not on the device; nothing has happened then.
        """
        if self._begin_offload(lease):
            self._engines.unload(lease.key)
        while True:
            mark = self._changes.mark()
            if not isinstance(self.of(lease.key), EngineUnloading):
                return
            await self._changes.after(mark)

    @with_state_lock
    def check_offload(self, lease: EngineLease) -> None:
        """Ask before closing a world.

        Raises:
            DomainError: `offload` would raise it now.
        """
        if not self._is_alone_on_device(lease.key, self._open(lease.key, lease.id)):
            raise device_busy(self.entry(lease.key.model_id))

    async def reload(self, lease: EngineLease) -> None:
        """Load the engine again after `offload`; nothing happens if it is in memory.

        When this is cancelled, or fails, it can be called again. After a failure the lease holds nothing until then.

        Raises:
            DomainError: the load failed, or others use the device by now.
            LeaseError: the lease was given back.
        """
        await self._obtain(lease.key, self.entry(lease.key.model_id), self._open(lease.key, lease.id))

    @with_state_lock
    def engine_of(self, key: EngineKey, lease: Lease) -> WorldEngine:
        match self.of(key):
            case EngineReady(leases=leases) if lease in leases:
                return self._engines.get(key)
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
            for other, lease in self._open_leases.values()
        )

    @with_state_lock
    def loaded_models(self) -> frozenset[str]:
        return frozenset(key.model_id for key, state in self._state.engines.items() if isinstance(state, EngineReady))

    def unload_outdated(self) -> None:
        """Unload engines that the settings have changed and that nobody leases; those in use go when they are left."""
        for key in self._keys():
            self._unload_if_outdated(key)

    def look_at_lines_again(self) -> None:
        """Let those in who wait, if there is room for them by now."""
        self._changes.announce()

    def take_all(self) -> tuple[WorldEngine, ...]:
        """Empty the pool at the end of the server; the caller closes what it gets."""
        return self._engines.take_all()

    # ----------------------------------------------------------------------------------------- obtaining

    async def _obtain(
        self,
        key: EngineKey,
        entry: CatalogueEntry,
        lease: Lease,
        report: LoadReport | None = None,
        in_line: LineReport | None = None,
    ) -> None:
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
                    self._engines.load(key, entry, report)
                case Unload(evicted):
                    self._engines.unload(evicted)
                case Wait(attempt):
                    awaited = attempt
                case _InLine(number):
                    if in_line is not None and number != told:
                        in_line(number)
                        told = number
                case _:
                    assert_never(step)
            await self._changes.after(mark)

    @with_state_lock
    def _next_step(
        self, key: EngineKey, entry: CatalogueEntry, lease: Lease, awaited: int | None, *, waits: bool
    ) -> _Step:
        self._open(key, lease.id)  # a `reload` must not outlive its lease, and take it again
        current = self.of(key)
        match current:
            case EngineReady(leases=leases) if lease in leases:
                return _Leased()
            case EngineLoading(attempt, leases) if lease in leases:
                return Wait(attempt)
            case EngineFailed(attempt, message) if attempt == awaited:
                raise DomainError(message, ErrorCode.MODEL_LOAD_FAILED)
            case EngineReady() | EngineLoading():
                return self._join(key, entry, lease, current, waits=waits)
            case EngineUnloading():
                return Wait()
            case EngineOffloaded(keeper) if keeper != lease:
                return Wait()
            case EngineOffloaded() | EngineFailed() | EngineUnloaded():
                step = self.device.clear_for(key, lease.session) if entry.placement == "device" else None
                return step or _Load(self._engines.begin(key, lease))
            case _:
                assert_never(current)

    def _unload_if_outdated(self, key: EngineKey) -> None:
        if self._evict_if_outdated(key):
            logger.info("A model is unloaded, as its settings have changed", model=key.model_id)
            self._engines.unload(key)

    @with_state_lock
    def _keys(self) -> tuple[EngineKey, ...]:
        return tuple(self._state.engines)

    @with_state_lock
    def _evict_if_outdated(self, key: EngineKey) -> bool:
        entry, state = self._catalogue.find(key.model_id), self.of(key)
        if entry is None or not isinstance(state, EngineReady) or leases_of(state):
            return False
        if not self._engines.is_outdated(key, entry):
            return False
        engine_event(self._state, key, Evicted())
        return True

    def _join(
        self, key: EngineKey, entry: CatalogueEntry, lease: Lease, current: EngineReady | EngineLoading, *, waits: bool
    ) -> _Step:
        """Take a lease on an engine that is in memory, or on its way there."""
        if entry.placement == "device" and self.device.is_kept_from(lease.session, key):
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

    @with_state_lock
    def _begin_offload(self, lease: EngineLease) -> bool:
        """Whether there is something to unload; not when it was offloaded before."""
        self.check_offload(lease)
        if not isinstance(self.of(lease.key), EngineReady):
            return False
        engine_event(self._state, lease.key, Offloaded(self._open(lease.key, lease.id)))
        return True

    def _is_alone_on_device(self, key: EngineKey, lease: Lease) -> bool:
        state = self.of(key)
        return (
            isinstance(state, EngineReady | EngineUnloading | EngineOffloaded)
            and leases_of(state) == (lease,)
            and self.entry(key.model_id).placement == "device"
        )

    @with_state_lock
    def _open(self, key: EngineKey, lease_id: int) -> Lease:
        found = self._open_leases.get(lease_id)
        if found is None:
            raise LeaseError(f"Lease {lease_id} on {key.model_id} was given back.")
        return found[1]

    @with_state_lock
    def _enlist(self, key: EngineKey, lease: Lease) -> None:
        self._open_leases[lease.id] = (key, lease)

    @with_state_lock
    def _give_back(self, key: EngineKey, lease: Lease) -> None:
        del self._open_leases[lease.id]
        state = self.of(key)
        if lease in leases_of(state):
            engine_event(self._state, key, LeaseReturned(lease, self._clock.monotonic()))
        elif isinstance(state, EngineReady) and lease in state.waiting:
            engine_event(self._state, key, LineLeft(lease))
