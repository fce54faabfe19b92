"""Engines as live objects: loaded and closed on threads of their own, and found by their keys while they are ready."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Protocol

import structlog

from handlers.base import StateChanges, StateHandler, with_state_lock
from services.world_engine.engine_card import LoadReport, ModelLoadError
from state.events import LoadBegan, LoadFailed, LoadSucceeded, TakenDown, UnloadFinished
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines.meter import LoadMeter
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadStep
    from services.world_engine.world_engine import WorldEngine
    from state.app_state_types import AppState, EngineKey, Lease

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class MemoryKeeper(Protocol):
    """What has to know of loading and unloading. Both block, and are called on the threads that do it."""

    def make_room_for(self, engine: CatalogueEntry) -> None:
        """Unload models that are in the way of an engine which is about to be loaded."""
        ...

    def refusal(self, engine: CatalogueEntry, quant: str) -> str | None:
        """Why the engine certainly has no room, with what to do; None: it may have."""
        ...

    def look(self) -> None:
        """Note what is in memory now. Never raises."""
        ...


class LoadedEngines(StateHandler):
    """Holds the engine of every key that is `EngineReady`. The pool decides, and this does the slow half of it."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        task_runner: TaskRunner,
        clock: Clock,
        metrics: Metrics,
        memory: MemoryKeeper,
        meter: LoadMeter,
        changes: StateChanges,
    ) -> None:
        super().__init__(state, lock)
        self._meter = meter
        self._attempts = count(1)
        self._task_runner = task_runner
        self._clock = clock
        self._metrics = metrics
        self._memory = memory
        self._changes = changes
        self._engines: dict[EngineKey, WorldEngine] = {}
        self._entries: dict[EngineKey, CatalogueEntry] = {}  # with which each was loaded
        self._known_pass_s: dict[EngineKey, float | None] = {}  # when each was loaded

    @with_state_lock
    def get(self, key: EngineKey) -> WorldEngine:
        return self._engines[key]

    @with_state_lock
    def known_pass_s(self, key: EngineKey) -> float | None:
        """The usual seconds of a pass of one world, from before the engine was loaded; None: nobody has measured it."""
        return self._known_pass_s.get(key)

    @with_state_lock
    def is_outdated(self, key: EngineKey, entry: CatalogueEntry) -> bool:
        """Whether an engine in memory was loaded with another entry than the one that the catalogue has by now."""
        return key in self._engines and self._entries[key] is not entry

    @with_state_lock
    def take_all(self) -> tuple[WorldEngine, ...]:
        """Forget every engine at the end of the server; the caller closes what it gets."""
        for key in self._engines:
            engine_event(self._state, key, TakenDown())
        taken = tuple(self._engines.values())
        self._engines.clear()
        self._entries.clear()
        self._known_pass_s.clear()
        return taken

    # ------------------------------------------------------------------------------------------- loading

    @with_state_lock
    def begin(self, key: EngineKey, lease: Lease | None) -> int:
        """The number of a load that the caller then has begun; `lease` is of whoever waits for it."""
        attempt = next(self._attempts)
        engine_event(self._state, key, LoadBegan(attempt, lease))
        return attempt

    def load(
        self, key: EngineKey, entry: CatalogueEntry, report: LoadReport | None = None, *, anyway: bool = False
    ) -> None:
        """Load an engine whose state is `EngineLoading`, in the background. `report` is called on the thread.

        One that certainly has no room is not even tried, unless `anyway`.
        """

        def work() -> None:
            started = self._clock.monotonic()
            self._memory.make_room_for(entry)
            refusal = None if anyway else self._memory.refusal(entry, key.quant)
            if refusal is not None:
                logger.warning("The model has no room", model=key.model_id, reason=refusal)
                self._fail(key, refusal)
                return
            logger.info("Loading a model", model=key.model_id, quant=key.quant)
            try:
                with self._meter.measuring(key):
                    engine = entry.load(key.quant, report or _ignore)
            except ModelLoadError as error:
                logger.warning("The model could not be loaded", model=key.model_id, reason=str(error))
                self._fail(key, str(error))
                return
            seconds = self._clock.monotonic() - started
            logger.info("Model loaded", model=key.model_id, duration_s=round(seconds, 3))
            self._metrics.engine_loaded(key.model_id, seconds)
            self._succeed(key, engine, entry, self._meter.known_pass_s(key))
            self._tell()

        def crashed(_: BaseException) -> None:
            reason = "because of an unexpected error; the server's log has the details"
            self._fail(key, f"{entry.title} could not be loaded {reason}.")

        try:
            self._task_runner.submit(f"load {key.model_id}", work, on_error=crashed)
        except RuntimeError as error:
            logger.warning("No thread could be started to load a model", model=key.model_id, reason=str(error))
            self._fail(key, f"{entry.title} could not be loaded: the server is stopping, or has no thread left.")

    @with_state_lock
    def _succeed(self, key: EngineKey, engine: WorldEngine, entry: CatalogueEntry, known_pass_s: float | None) -> None:
        engine_event(self._state, key, LoadSucceeded(self._clock.monotonic(), engine.spec.max_worlds))
        self._engines[key] = engine
        self._entries[key] = entry
        self._known_pass_s[key] = known_pass_s

    def _fail(self, key: EngineKey, message: str) -> None:
        self._metrics.engine_failed(key.model_id)
        with self._lock:
            engine_event(self._state, key, LoadFailed(message))
        self._tell()

    # ------------------------------------------------------------------------------------------- unloading

    def unload(self, key: EngineKey) -> None:
        """Close an engine whose state is `EngineUnloading`, in the background."""
        self._meter.disturbed()
        with self._lock:
            engine = self._engines.pop(key)
            del self._entries[key], self._known_pass_s[key]

        def finish() -> None:
            with self._lock:
                engine_event(self._state, key, UnloadFinished())
            self._tell()

        def work() -> None:
            engine.close()
            logger.info("Model unloaded", model=key.model_id)
            finish()

        try:
            self._task_runner.submit(f"unload {key.model_id}", work, on_error=lambda _: finish())
        except RuntimeError:  # the server is stopping, or has no thread left: a pause here beats a device that is lost
            try:
                engine.close()
            finally:
                finish()

    def _tell(self) -> None:
        self._memory.look()
        self._changes.announce()


def _ignore(_: LoadStep) -> None:
    """Nobody wants to be told of the load."""
