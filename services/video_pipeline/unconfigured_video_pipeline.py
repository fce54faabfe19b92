"""The video pipeline of a server that was given no model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.video_pipeline.film_order import Control, WayName
from services.video_pipeline.video_pipeline import VideoFault, VideoPipelineError
from services.video_pipeline.video_specs import ModelMissing, VideoSpecs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.memory_planner.model_memory import Placement
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_pipeline import FilmProgress, MadeFilm


class UnconfiguredVideoPipeline:
    """A `FastVideoPipeline` that says what is missing. `reason` is the sentence."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def specs(self) -> VideoSpecs:
        return VideoSpecs(
            model="none",
            revision=None,
            licence="",
            readiness=ModelMissing(self._reason),
            sizes=(),
            rates=(),
            ways=MappingProxyType(dict.fromkeys(WayName, self._reason)),
            cameras=(),
            controls=MappingProxyType(dict.fromkeys(Control, self._reason)),
            steps=0,
        )

    def needs(self, order: FilmOrder | None = None) -> None:
        """It takes no memory here."""

    def place(self, placement: Placement) -> None:
        """There is nothing to load."""

    async def prepare(self) -> None:
        raise VideoPipelineError(VideoFault.NOT_PULLED, self._reason)

    async def make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        del order, target, on_progress
        raise VideoPipelineError(VideoFault.NOT_PULLED, self._reason)

    def unload(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""
