"""The slow half of lending engines: loading and closing them beside everything else."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from services.world_engine.catalogue import CatalogueEntry, LoadReport, ModelLoadError
from state.app_state_types import EngineFailed, EngineKey, EngineReady

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.world_engine import WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """Load `key` after `evicted` engines have been closed; `finished` resolves when it is over, however it went."""

    key: EngineKey
    attempt: int
    finished: Future[None]
    evicted: tuple[WorldEngine, ...] = ()


class EngineLoader:
    """Both are called on the loading thread: `make_room` first, where it may block, `finish` with the outcome, before
    whoever waits is told."""

    def __init__(
        self,
        task_runner: TaskRunner,
        clock: Clock,
        metrics: Metrics,
        make_room: Callable[[CatalogueEntry], None],
        finish: Callable[[EngineKey, EngineReady | EngineFailed], None],
    ) -> None:
        self._task_runner = task_runner
        self._clock = clock
        self._metrics = metrics
        self._make_room = make_room
        self._finish = finish

    def start(self, order: LoadOrder, entry: CatalogueEntry, report: LoadReport) -> None:
        key, attempt, finished = order.key, order.attempt, order.finished

        def work() -> None:
            started = self._clock.monotonic()
            for engine in order.evicted:
                engine.close()
            self._make_room(entry)
            logger.info("Loading a model", model=key.model_id, quant=key.quant)
            try:
                engine = entry.load(key.quant, report)
            except ModelLoadError as error:
                logger.warning("The model could not be loaded", model=key.model_id, reason=str(error))
                self._finish(key, EngineFailed(attempt, str(error)))
                self._metrics.engine_failed(key.model_id)
            else:
                seconds = self._clock.monotonic() - started
                logger.info("Model loaded", model=key.model_id, duration_s=round(seconds, 3))
                self._finish(key, EngineReady(engine))
                self._metrics.engine_loaded(key.model_id, seconds)
            finished.set_result(None)

        def failed(_: BaseException) -> None:
            message = (
                f"{entry.title} could not be loaded because of an unexpected error; the server's log has the details."
            )
            self._finish(key, EngineFailed(attempt, message))
            self._metrics.engine_failed(key.model_id)
            finished.set_result(None)

        self._task_runner.submit(f"load {key.model_id}", work, on_error=failed)

    async def unload(self, key: EngineKey, engine: WorldEngine) -> None:
        """Returns when its memory is back, or closing it has failed."""
        done: Future[None] = Future()

        def work() -> None:
            engine.close()
            logger.info("Model unloaded", model=key.model_id)
            done.set_result(None)

        self._task_runner.submit(f"unload {key.model_id}", work, on_error=lambda _: done.set_result(None))
        await asyncio.shield(asyncio.wrap_future(done))
