"""What films can be made here, before anybody asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from film_types import CameraSpecBody, ControlSpec, FilmSizeSpec, VideoSpecsResponse, WaySpec
from handlers.base import in_thread
from services.media_probe.media_probe import LONGEST_S, SPRITE_TILES
from services.video_pipeline.film_order import Control
from services.video_pipeline.video_specs import (
    SIDE_STEP,
    ModelMissing,
    most_frames,
    why_no_control,
    why_not_in_two_passes,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.films.film_room import FilmRoom
    from handlers.films.film_words import FilmWords
    from handlers.films.loras import LoraFolder
    from runtime_config.current import Current
    from runtime_config.films_config import FilmsConfig
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.video_pipeline.video_specs import FilmSize, VideoSpecs


class FilmSpecs:
    def __init__(
        self,
        pipeline: FastVideoPipeline,
        room: FilmRoom,
        loras: LoraFolder,
        words: FilmWords,
        *,
        threads: Executor,
        config: Current[FilmsConfig],
    ) -> None:
        self._pipeline = pipeline
        self._room = room
        self._loras = loras
        self._words = words
        self._threads = threads
        self._config = config

    async def specs(self) -> VideoSpecsResponse:
        why_waiting = await self._room.why_waiting()
        return await in_thread(self._threads, lambda: self._specs(why_waiting))

    def _specs(self, why_waiting: str | None) -> VideoSpecsResponse:
        specs, memory = self._pipeline.specs(), self._pipeline.needs()
        missing = specs.readiness if isinstance(specs.readiness, ModelMissing) else None
        return VideoSpecsResponse(
            model=specs.model,
            revision=specs.revision,
            licence=specs.licence,
            is_ready=missing is None,
            is_loaded=not isinstance(specs.readiness, ModelMissing) and specs.readiness.is_loaded,
            why_not=None if missing is None else missing.reason,
            why_waiting=why_waiting,
            sizes=[_size(specs, size) for size in specs.sizes],
            rates=list(specs.rates),
            ways=[
                WaySpec(way=way, why_not=why_not, why_no_upscale=why_not_in_two_passes(specs, way))
                for way, why_not in specs.ways.items()
            ],
            controls=[
                ControlSpec(
                    control=control, why_not=why_no_control(specs, control), takes_lora=specs.controls[control] is None
                )
                for control in Control
            ],
            cameras=[CameraSpecBody(camera=each.camera, by=each.by) for each in specs.cameras],
            loras=self._loras.names(),
            why_no_loras=specs.why_no_loras,
            why_no_upscale=specs.why_no_upscale,
            why_no_writing=self._words.why_not(),
            steps=specs.steps,
            has_sound=specs.has_sound,
            has_negative=specs.has_negative,
            smallest_side=specs.smallest_side,
            largest_side=specs.largest_side,
            side_step=SIDE_STEP,
            shortest_frames=specs.shortest_frames,
            longest_frames=specs.longest_frames,
            slowest_fps=specs.slowest_fps,
            fastest_fps=specs.fastest_fps,
            longest_prompt=specs.longest_prompt,
            most_pictures=specs.most_pictures,
            most_loras=specs.most_loras,
            strongest_lora=specs.strongest_lora,
            longest_source_s=LONGEST_S,
            largest_source_bytes=self._config.now.source_bytes,
            sprite_tiles=SPRITE_TILES,
            memory_bytes=None if memory is None else memory.size.total + memory.work,
        )


def _size(specs: VideoSpecs, size: FilmSize) -> FilmSizeSpec:
    longest = most_frames(specs, size.width, size.height)
    return FilmSizeSpec(
        name=size.name,
        width=size.width,
        height=size.height,
        seconds=[round(max(0, longest) / rate, 3) for rate in specs.rates],
    )
