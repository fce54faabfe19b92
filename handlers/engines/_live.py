"""Engines as live objects: found by their keys while they are ready, and closed on threads of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from handlers.base import StateChanges, StateHandler, with_state_lock
from state.events import TakenDown, UnloadFinished
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines.meter import LoadMeter
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.world_engine import WorldEngine
    from state.app_state_types import AppState, EngineKey

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class MemoryKeeper(Protocol):
    """What has to know of loading and unloading. All of it blocks, and is called on the threads that do it."""

    def make_room_for(self, engine: CatalogueEntry, *, is_parked: bool) -> None:
        """Unload models that are in the way of an engine which is about to be loaded.

        `is_parked`: it comes back from host memory, and takes no more of that.
        """
        ...

    def refusal(self, engine: CatalogueEntry, quant: str) -> str | None:
        """Why the engine certainly has no room, with what to do; None: it may have."""
        ...

    def look(self) -> None:
        """Note what is in memory now. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Live:
    """`entry` is that of the catalogue with which the engine was loaded, and `known_pass_s` the usual seconds of a pass
    of one world, from before that; None: nobody has measured it."""

    engine: WorldEngine
    entry: CatalogueEntry
    known_pass_s: float | None


class LiveEngines(StateHandler):
    """Holds the engine of every key that is `EngineReady` or `EngineParked`.

    Others decide, under the state's lock, and this does the slow half of it.
    """

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        task_runner: TaskRunner,
        memory: MemoryKeeper,
        meter: LoadMeter,
        changes: StateChanges,
    ) -> None:
        super().__init__(state, lock)
        self._task_runner = task_runner
        self._memory = memory
        self._meter = meter
        self._changes = changes
        self._live: dict[EngineKey, Live] = {}

    # ------------------------------------------------------------------------------------------- finding

    @with_state_lock
    def get(self, key: EngineKey) -> Live:
        return self._live[key]

    @with_state_lock
    def find(self, key: EngineKey) -> Live | None:
        return self._live.get(key)

    @with_state_lock
    def is_outdated(self, key: EngineKey, entry: CatalogueEntry) -> bool:
        """Whether an engine in memory was loaded with another entry than the one that the catalogue has by now."""
        live = self._live.get(key)
        return live is not None and live.entry is not entry

    @with_state_lock
    def put(self, key: EngineKey, live: Live) -> None:
        self._live[key] = live

    @with_state_lock
    def take(self, key: EngineKey) -> Live | None:
        """The caller closes it, or puts it back; None: there is none."""
        return self._live.pop(key, None)

    @with_state_lock
    def take_all(self) -> tuple[WorldEngine, ...]:
        """Forget every engine at the end of the server; the caller closes what it gets."""
        for key in self._live:
            engine_event(self._state, key, TakenDown())
        taken = tuple(live.engine for live in self._live.values())
        self._live.clear()
        return taken

    # ------------------------------------------------------------------------------------------- closing

    def unload(self, key: EngineKey) -> None:
        """Close an engine whose state is `EngineUnloading`, in the background."""
        with self._lock:
            engine = self._live.pop(key).engine
        try:
            self._task_runner.submit(f"unload {key.model_id}", lambda: self.close(key, engine))
        except RuntimeError:  # the server is stopping, or has no thread left: a pause here beats a device that is lost
            self.close(key, engine)

    def close(self, key: EngineKey, engine: WorldEngine) -> None:
        """As `unload`, of an engine that the caller has taken. Blocks."""
        self._meter.disturbed()
        try:
            engine.close()
            logger.info("Model unloaded", model=key.model_id)
        finally:
            with self._lock:
                engine_event(self._state, key, UnloadFinished())
            self.tell()

    def disturbed(self) -> None:
        """An engine has moved from one memory to another: a load that is being measured meanwhile does not count."""
        self._meter.disturbed()

    def tell(self) -> None:
        """The state of an engine has changed. Blocks."""
        self._memory.look()
        self._changes.announce()
