"""Engines that nobody plays on: loaded ahead of play, unloaded when the owner says so, or when they were idle long."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines.device import Device, Park, Unload, Wait
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
    EngineUnloaded,
    EngineUnloading,
    Lease,
)
from state.events import Evicted
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines._live import LiveEngines
    from handlers.engines._loading import EngineLoads
    from handlers.engines.parked import ParkedEngines
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.world_engine.catalogue import CatalogueEntry

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """It is ready to be played, or somebody loads it already."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The caller has `EngineLoads.load` load it."""


class EngineKeeping(StateHandler):
    """`idle_s` is after how many seconds without play an engine is unloaded; None: never."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        live: LiveEngines,
        loads: EngineLoads,
        parked: ParkedEngines,
        device: Device,
        clock: Clock,
        changes: StateChanges,
        idle_s: Current[float | None],
    ) -> None:
        super().__init__(state, lock)
        self._live = live
        self._loads = loads
        self._parked = parked
        self._device = device
        self._clock = clock
        self._changes = changes
        self._idle_s = idle_s

    async def load(self, key: EngineKey, entry: CatalogueEntry, *, anyway: bool) -> None:
        """Begin to load an engine for whoever plays on it later. How it went is in AppState.

        `anyway`: also where it does not fit. An idle engine leaves its device before.

        Raises:
            DomainError: others use the device.
        """
        while True:
            mark = self._changes.mark()
            match self._next_step(key, entry):
                case _Done():
                    return
                case _Begun():
                    self._loads.load(key, entry, anyway=anyway)
                    return
                case Unload() | Park() as step:
                    self._device.carry_out(step)
                case Wait():
                    pass
            await self._changes.after(mark)

    def unload(self, key: EngineKey, entry: CatalogueEntry) -> None:
        """Begin to unload an engine; nothing happens if it is not in memory.

        Raises:
            DomainError: somebody plays on it, or it is on its way to the device or from it.
        """
        if self._evict(key, entry):
            self._live.unload(key)

    async def watch_idle(self) -> None:
        """Unload what has been idle for long enough, or is more than may wait in host memory, until cancelled.

        It looks again whenever the state or the settings have changed.
        """
        while True:
            mark = self._changes.mark()
            self._parked.keep_within_limit()
            wait_s = self.unload_idle()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changes.after(mark)

    def unload_idle(self) -> float | None:
        """Begin to unload what is due now. Seconds until the next one is; None: none will be, as things are."""
        idle_s = self._idle_s.now
        if idle_s is None:
            return None
        now = self._clock.monotonic()
        due, left = self._evict_due(now - idle_s)
        for key in due:
            logger.info("A model is unloaded, as nobody has played on it", model=key.model_id, idle_s=idle_s)
            self._live.unload(key)
        return None if not left else max(0.0, min(left) + idle_s - now)

    # ------------------------------------------------------------------------------------------------------ parts

    @with_state_lock
    def _next_step(self, key: EngineKey, entry: CatalogueEntry) -> _Done | _Begun | Unload | Park | Wait:
        match self._state.engines.get(key, EngineUnloaded()):
            case EngineReady() | EngineLoading() | EngineOffloaded() | EngineParked(keeper=Lease()):
                return _Done()
            case EngineUnloading(keeper) | EngineParking(keeper=keeper):
                return Wait() if keeper is None else _Done()
            case EngineParked() | EngineFailed() | EngineUnloaded():
                if entry.placement == "device":
                    self._check_no_scene()
                    step = self._device.clear_for(key, None)
                    if step is not None:
                        return step
                self._loads.begin(key, None)
                return _Begun()

    def _check_no_scene(self) -> None:
        if isinstance(self._state.reservation, DeviceReserved):
            raise DomainError("A scene is being made on the device. Try again when it is done.", ErrorCode.MODEL_BUSY)

    @with_state_lock
    def _evict(self, key: EngineKey, entry: CatalogueEntry) -> bool:
        """Whether there is something to unload."""
        match self._state.engines.get(key, EngineUnloaded()):
            case EngineReady(leases=()) | EngineParked(keeper=None):
                engine_event(self._state, key, Evicted())
                return True
            case (
                EngineReady()
                | EngineOffloaded()
                | EngineLoading(leases=(_, *_))
                | EngineParking(keeper=Lease())
                | EngineParked()
            ):
                raise DomainError(f"Somebody plays on {entry.title}, so it stays loaded.", ErrorCode.MODEL_IN_USE)
            case EngineParking():
                raise DomainError(
                    f"{entry.title} makes room for another model. Try again when it has.", ErrorCode.MODEL_BUSY
                )
            case EngineLoading():
                raise DomainError(f"{entry.title} is being loaded. Try again when it is.", ErrorCode.MODEL_BUSY)
            case EngineUnloading() | EngineFailed() | EngineUnloaded():
                return False

    @with_state_lock
    def _evict_due(self, before: float) -> tuple[list[EngineKey], list[float]]:
        """Those that have been idle since before that moment; and since when the others are."""
        idle = {key: since for key, state in self._state.engines.items() if (since := _idle_since(state)) is not None}
        due = [key for key, since in idle.items() if since <= before]
        for key in due:
            engine_event(self._state, key, Evicted())
        return due, [since for since in idle.values() if since > before]


def _idle_since(state: EngineState) -> float | None:
    """On the monotonic clock; None: it is in use, or not there to be unloaded."""
    match state:
        case EngineReady(waiting=(), idle_since=since) | EngineParked(idle_since=since, keeper=None):
            return since
        case _:
            return None
