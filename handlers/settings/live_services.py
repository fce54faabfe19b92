"""Carries changed settings to the services that hold something which was made by them: threads, models, engines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from handlers.base import in_thread

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Executor

    from handlers.engines.pool import EnginePool
    from handlers.engines.residency import ModelResidency
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.image_editor.image_editor import ConfigurableImageEditor
    from services.model_hub.model_hub import ModelHub
    from services.prompt_writer.prompt_writer import ConfigurablePromptWriter
    from services.video_pipeline.video_pipeline import ConfigurableVideoPipeline
    from services.world_engine.catalogue import WorldEngineCatalogue

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class LiveServices:
    """`apply` is a subscriber of the settings: what takes time is done beside it, with the newest settings."""

    def __init__(
        self,
        config: Current[RuntimeConfig],
        *,
        encoder: FrameEncoder,
        writer: ConfigurablePromptWriter,
        editor: ConfigurableImageEditor,
        films: ConfigurableVideoPipeline,
        catalogue: WorldEngineCatalogue,
        hub: ModelHub,
        pool: EnginePool,
        residency: ModelResidency,
        work_threads: Executor,
    ) -> None:
        self._config = config
        self._encoder = encoder
        self._writer = writer
        self._editor = editor
        self._films = films
        self._catalogue = catalogue
        self._hub = hub
        self._pool = pool
        self._residency = residency
        self._work_threads = work_threads
        self._tasks: set[asyncio.Task[None]] = set()

    def apply(self, before: RuntimeConfig, after: RuntimeConfig) -> None:
        if before.jpeg.threads != after.jpeg.threads:
            self._encoder.use_threads(after.jpeg.threads)
        if before.authoring != after.authoring:
            self._begin(self._switch_scene_models())
        if before.film_model != after.film_model:
            self._begin(self._switch_film_model())
        if before.least_rate_percent != after.least_rate_percent:
            self._pool.look_at_lines_again()
        if (before.hub, before.engines.models_dir) != (after.hub, after.engines.models_dir):
            self._hub.use(after.hub, after.engines.models_dir)
        if (before.moss, before.engines) != (after.moss, after.engines):
            self._begin(self._renew_catalogue())

    async def close(self) -> None:
        """Give up what has not been done yet."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # the boundary of this task
            logger.exception("A change of the settings could not be applied", exc_info=error)

    async def _switch_scene_models(self) -> None:
        """In its turn among the scenes, so that each ends with the models that it began with."""
        async with self._residency.reserve(None, None):
            await in_thread(self._work_threads, self._use_scene_models)
        await self._residency.refresh()

    def _use_scene_models(self) -> None:
        authoring = self._config.now.authoring
        self._writer.use(authoring)
        self._editor.use(authoring)

    async def _switch_film_model(self) -> None:
        await in_thread(self._work_threads, lambda: self._films.use(self._config.now.film_model))

    async def _renew_catalogue(self) -> None:
        await in_thread(self._work_threads, lambda: self._catalogue.renew(self._config.now))
        self._pool.unload_outdated()
