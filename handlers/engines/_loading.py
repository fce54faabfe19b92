"""The slow half of the pool: engines are loaded and closed on threads of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from services.world_engine.catalogue import CatalogueEntry, LoadReport, ModelLoadError
from state.events import LoadFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.world_engine import WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class RoomMaker(Protocol):
    def make_room_for(self, engine: CatalogueEntry) -> None:
        """Unload models that are in the way of an engine which is about to be loaded. Blocks."""
        ...


class EngineLoader:
    def __init__(self, task_runner: TaskRunner, clock: Clock, metrics: Metrics, room_maker: RoomMaker) -> None:
        self._task_runner = task_runner
        self._clock = clock
        self._metrics = metrics
        self._room_maker = room_maker

    def load(
        self,
        entry: CatalogueEntry,
        quant: str,
        report: LoadReport,
        finish: Callable[[WorldEngine | LoadFailed], None],
    ) -> None:
        """Load an engine in the background. `finish` is called once with the outcome, on the loading thread."""
        model_id = entry.model_id

        def fail(message: str) -> None:
            self._metrics.engine_failed(model_id)
            finish(LoadFailed(message))

        def work() -> None:
            started = self._clock.monotonic()
            self._room_maker.make_room_for(entry)
            logger.info("Loading a model", model=model_id, quant=quant)
            try:
                engine = entry.load(quant, report)
            except ModelLoadError as error:
                logger.warning("The model could not be loaded", model=model_id, reason=str(error))
                fail(str(error))
                return
            seconds = self._clock.monotonic() - started
            logger.info("Model loaded", model=model_id, duration_s=round(seconds, 3))
            self._metrics.engine_loaded(model_id, seconds)
            finish(engine)

        def crashed(_: BaseException) -> None:
            fail(f"{entry.title} could not be loaded because of an unexpected error; the server's log has the details.")

        try:
            self._task_runner.submit(f"load {model_id}", work, on_error=crashed)
        except RuntimeError as error:
            logger.warning("No thread could be started to load a model", model=model_id, reason=str(error))
            fail(f"{entry.title} could not be loaded: the server is stopping, or has no thread left.")

    def unload(self, model_id: str, engine: WorldEngine, finish: Callable[[], None]) -> None:
        """Close an engine in the background. `finish` is called once, when its memory is back or closing it failed."""

        def work() -> None:
            engine.close()
            logger.info("Model unloaded", model=model_id)
            finish()

        try:
            self._task_runner.submit(f"unload {model_id}", work, on_error=lambda _: finish())
        except RuntimeError:  # the server is stopping, or has no thread left: a pause here beats a device that is lost
            try:
                engine.close()
            finally:
                finish()
