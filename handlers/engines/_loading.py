"""Loading engines, on threads of their own. One that waits in host memory comes back instead."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import structlog

from handlers.base import StateHandler, with_state_lock
from handlers.engines._live import Live
from services.world_engine.engine_card import LoadReport, ModelLoadError
from state.events import LoadBegan, LoadFailed, LoadSucceeded
from state.transitions import engine_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines._live import LiveEngines, MemoryKeeper
    from handlers.engines.meter import LoadMeter
    from handlers.engines.parked import ParkedEngines
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadStep
    from state.app_state_types import AppState, EngineKey, Lease

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class EngineLoads(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        live: LiveEngines,
        parked: ParkedEngines,
        task_runner: TaskRunner,
        clock: Clock,
        metrics: Metrics,
        memory: MemoryKeeper,
        meter: LoadMeter,
    ) -> None:
        super().__init__(state, lock)
        self._live = live
        self._parked = parked
        self._task_runner = task_runner
        self._clock = clock
        self._metrics = metrics
        self._memory = memory
        self._meter = meter
        self._attempts = count(1)

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
        parked = self._live.take(key)

        def work() -> None:
            self._memory.make_room_for(entry, is_parked=parked is not None)
            self._parked.make_room_for(entry, key.quant, is_parked=parked is not None)
            try:
                live = self._come_back(key, entry, parked) or self._load_anew(key, entry, report or _ignore, anyway)
            except ModelLoadError as error:
                logger.warning("The model could not be loaded", model=key.model_id, reason=str(error))
                self._fail(key, str(error))
                return
            self._succeed(key, live)
            self._live.tell()

        def crashed(_: BaseException) -> None:
            if parked is not None:
                parked.engine.close()
            reason = "because of an unexpected error; the server's log has the details"
            self._fail(key, f"{entry.title} could not be loaded {reason}.")

        try:
            self._task_runner.submit(f"load {key.model_id}", work, on_error=crashed)
        except RuntimeError as error:
            logger.warning("No thread could be started to load a model", model=key.model_id, reason=str(error))
            if parked is not None:
                parked.engine.close()
            self._fail(key, f"{entry.title} could not be loaded: the server is stopping, or has no thread left.")

    def _come_back(self, key: EngineKey, entry: CatalogueEntry, parked: Live | None) -> Live | None:
        """None: it has to be loaded. Raises: ModelLoadError."""
        if parked is None:
            return None
        started = self._clock.monotonic()
        self._meter.disturbed()
        if not self._parked.resume(key, parked, entry):
            return None
        seconds = self._clock.monotonic() - started
        logger.info("Model is back on its device", model=key.model_id, duration_s=round(seconds, 3))
        return parked

    def _load_anew(self, key: EngineKey, entry: CatalogueEntry, report: LoadReport, anyway: bool) -> Live:  # noqa: FBT001 - as of `load`
        """Raises: ModelLoadError."""
        refusal = None if anyway else self._memory.refusal(entry, key.quant)
        if refusal is not None:
            raise ModelLoadError(refusal)
        started = self._clock.monotonic()
        logger.info("Loading a model", model=key.model_id, quant=key.quant)
        with self._meter.measuring(key):
            engine = entry.load(key.quant, report)
        seconds = self._clock.monotonic() - started
        logger.info("Model loaded", model=key.model_id, duration_s=round(seconds, 3))
        self._metrics.engine_loaded(key.model_id, seconds)
        return Live(engine, entry, self._meter.known_pass_s(key))

    @with_state_lock
    def _succeed(self, key: EngineKey, live: Live) -> None:
        engine_event(self._state, key, LoadSucceeded(self._clock.monotonic(), live.engine.spec.max_worlds))
        self._live.put(key, live)

    def _fail(self, key: EngineKey, message: str) -> None:
        self._metrics.engine_failed(key.model_id)
        with self._lock:
            engine_event(self._state, key, LoadFailed(message))
        self._live.tell()


def _ignore(_: LoadStep) -> None:
    """Nobody wants to be told of the load."""
