"""Engines that nobody plays on: loaded ahead of play, unloaded when the owner says so, or when they were idle long."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines.device import Device, Unload, Wait
from state.app_state_types import (
    AppState,
    DeviceReserved,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineReady,
    EngineUnloaded,
    EngineUnloading,
)
from state.events import Evicted
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines._loading import LoadedEngines
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.world_engine.catalogue import CatalogueEntry

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """It is in memory, or somebody loads it already."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The caller has `LoadedEngines.load` load it."""


class EngineKeeping(StateHandler):
    """`idle_s` is after how many seconds without play an engine is unloaded; None: never."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        engines: LoadedEngines,
        device: Device,
        clock: Clock,
        changes: StateChanges,
        idle_s: Current[float | None],
    ) -> None:
        super().__init__(state, lock)
        self._engines = engines
        self._device = device
        self._clock = clock
        self._changes = changes
        self._idle_s = idle_s

    async def load(self, key: EngineKey, entry: CatalogueEntry, *, anyway: bool) -> None:
        """Begin to load an engine for whoever plays on it later. How it went is in AppState.

        `anyway`: also where it does not fit. An idle engine on its device is unloaded before.

        Raises:
            DomainError: others use the device.
        """
        while True:
            mark = self._changes.mark()
            match self._next_step(key, entry):
                case _Done():
                    return
                case _Begun():
                    self._engines.load(key, entry, anyway=anyway)
                    return
                case Unload(evicted):
                    self._engines.unload(evicted)
                case Wait():
                    pass
            await self._changes.after(mark)

    def unload(self, key: EngineKey, entry: CatalogueEntry) -> None:
        """Begin to unload an engine; nothing happens if it is not in memory.

        Raises:
            DomainError: somebody plays on it, or it is being loaded.
        """
        if self._evict(key, entry):
            self._engines.unload(key)

    async def watch_idle(self) -> None:
        """Unload what has been idle for long enough, until cancelled. It looks again whenever the state has changed."""
        while True:
            mark = self._changes.mark()
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
            self._engines.unload(key)
        return None if not left else max(0.0, min(left) + idle_s - now)

    # ------------------------------------------------------------------------------------------------------ parts

    @with_state_lock
    def _next_step(self, key: EngineKey, entry: CatalogueEntry) -> _Done | _Begun | Unload | Wait:
        match self._state.engines.get(key, EngineUnloaded()):
            case EngineReady() | EngineLoading() | EngineOffloaded():
                return _Done()
            case EngineUnloading(keeper):
                return Wait() if keeper is None else _Done()
            case EngineFailed() | EngineUnloaded():
                if entry.placement == "device":
                    self._check_no_scene()
                    step = self._device.clear_for(key, None)
                    if step is not None:
                        return step
                self._engines.begin(key, None)
                return _Begun()

    def _check_no_scene(self) -> None:
        if isinstance(self._state.reservation, DeviceReserved):
            raise DomainError("A scene is being made on the device. Try again when it is done.", ErrorCode.MODEL_BUSY)

    @with_state_lock
    def _evict(self, key: EngineKey, entry: CatalogueEntry) -> bool:
        """Whether there is something to unload."""
        match self._state.engines.get(key, EngineUnloaded()):
            case EngineReady(leases=()):
                engine_event(self._state, key, Evicted())
                return True
            case EngineReady() | EngineOffloaded() | EngineLoading(leases=(_, *_)):
                raise DomainError(f"Somebody plays on {entry.title}, so it stays loaded.", ErrorCode.MODEL_IN_USE)
            case EngineLoading():
                raise DomainError(f"{entry.title} is being loaded. Try again when it is.", ErrorCode.MODEL_BUSY)
            case EngineUnloading() | EngineFailed() | EngineUnloaded():
                return False

    @with_state_lock
    def _evict_due(self, before: float) -> tuple[list[EngineKey], list[float]]:
        """Those that have been idle since before that moment; and since when the others are."""
        idle = {
            key: state.idle_since
            for key, state in self._state.engines.items()
            if isinstance(state, EngineReady) and state.idle_since is not None and not state.waiting
        }
        due = [key for key, since in idle.items() if since <= before]
        for key in due:
            engine_event(self._state, key, Evicted())
        return due, [since for since in idle.values() if since > before]
