"""The video model that the settings ask for, which may be another one while the server runs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime_config.film_model_config import FilmModelConfig
    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_pipeline import FastVideoPipeline, FilmProgress, MadeFilm
    from services.video_pipeline.video_specs import VideoSpecs


class SwitchedVideoPipeline:
    """A `ConfigurableVideoPipeline` over the one that `build` makes. A film is finished by the one that began it."""

    def __init__(self, build: Callable[[FilmModelConfig], FastVideoPipeline], config: FilmModelConfig) -> None:
        self._build = build
        self._wanted = config
        self._pipeline = build(config)
        self._lock = threading.Lock()
        self._working: list[FastVideoPipeline] = []  # one entry for each film

    def use(self, config: FilmModelConfig) -> None:
        if config == self._wanted:
            return
        with self._lock:
            before, self._pipeline = self._pipeline, self._build(config)
            self._wanted = config
            is_idle = before not in self._working
        if is_idle and before is not self._pipeline:
            before.close()

    def specs(self) -> VideoSpecs:
        return self._pipeline.specs()

    def needs(self, order: FilmOrder | None = None) -> ModelMemory | None:
        return self._pipeline.needs(order)

    def place(self, placement: Placement) -> None:
        self._pipeline.place(placement)

    async def prepare(self) -> None:
        await self._pipeline.prepare()

    async def make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        with self._lock:
            pipeline = self._pipeline
            self._working.append(pipeline)
        try:
            return await pipeline.make(order, target, on_progress)
        finally:
            with self._lock:
                self._working.remove(pipeline)
                is_outdated = pipeline is not self._pipeline and pipeline not in self._working
            if is_outdated:
                await asyncio.shield(asyncio.to_thread(pipeline.close))

    def unload(self) -> None:
        self._pipeline.unload()

    def close(self) -> None:
        with self._lock:
            pipelines = [self._pipeline, *self._working]
        for pipeline in pipelines:
            pipeline.close()
