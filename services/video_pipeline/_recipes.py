"""A recipe for each way of making a film: which pipeline runs, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

import cv2
import numpy as np
import torch
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition

from services.video_pipeline import _film_material as material
from services.video_pipeline._controls import control_frames
from services.video_pipeline._denoising import FIRST, SECOND, Denoiser
from services.video_pipeline._kept_latents import Kept
from services.video_pipeline._lora import reference_downscale
from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline.film_order import (
    Controlled,
    Extension,
    FromPictures,
    FromSound,
    FromWords,
    Joining,
    Retake,
    Upscale,
)
from services.video_pipeline.video_pipeline import FilmStage, VideoFault
from services.video_pipeline.video_specs import FRAME_STEP
from services.video_reader.source_media import read_frames, read_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_pipeline._film_material import Material, SourcePart
    from services.video_pipeline._ltx_models import LtxModels
    from services.video_pipeline._watch import Watch
    from services.video_pipeline.film_order import FilmOrder, PlacedPicture
    from services.world_engine.depth.depth import DepthEstimator

    Frames = np.ndarray[Any, np.dtype[np.uint8]]
    Sound = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Made:
    """What the denoiser has made, and what of sources goes around it.

    `latents` are denormalised; None: the picture stays the source's. `sound` is latents, or samples that are there
    already, or None for a silent film. Of the frames that are decoded, those from `begin` to `end` are the film's.
    `is_blended`: what is before and after turns into those that are decoded beside them.
    """

    latents: torch.Tensor | None
    sound: torch.Tensor | Sound | None
    begin: int
    end: int
    before: SourcePart | None = None
    after: SourcePart | None = None
    retaken: SourcePart | None = None
    is_blended: bool = False


class Recipes:
    """Makes one order. Everything that it raises has left the models as they were."""

    def __init__(
        self,
        models: LtxModels,
        order: FilmOrder,
        watch: Watch,
        upscaler: Path | None,
        open_depth: Callable[[], DepthEstimator],
    ) -> None:
        self._models = models
        self._order = order
        self._watch = watch
        self._upscaler = upscaler
        self._open_depth = open_depth
        is_upscaled = order.upscale
        self._steps = len(SECOND) if isinstance(order.way, Upscale) else len(FIRST) + is_upscaled * len(SECOND)
        self._denoiser = Denoiser(models, order, watch, self._steps)

    def make(self, prompt: str) -> Made:
        """Raises: SourceError, FilmRefusedError."""
        way = self._order.way
        match way:
            case FromWords():
                return self._in_one_go(prompt, self._models.pipeline)
            case FromPictures(pictures):
                return self._from_pictures(prompt, pictures)
            case FromSound(path):
                return self._from_sound(prompt, path)
            case Retake() | Extension() | Joining():
                return self._passage(prompt, way)
            case Controlled():
                return self._controlled(prompt, way)
            case Upscale(source):
                return self._upscale(prompt, source)
            case _:
                assert_never(way)

    # ------------------------------------------------------------------------------------------ whole films

    def _from_pictures(self, prompt: str, pictures: tuple[PlacedPicture, ...]) -> Made:
        frames = self._order.frames
        last = (frames - 1) // FRAME_STEP
        conditions = [
            LTX2VideoCondition(
                _read_picture(each.path), index=_latent_of(each, self._order.fps, last), strength=each.strength
            )
            for each in pictures
        ]
        return self._in_one_go(prompt, self._models.condition, conditions=conditions)

    def _from_sound(self, prompt: str, path: Path) -> Made:
        order, models = self._order, self._models
        with self._watch.stage(FilmStage.ENCODING):
            seconds = order.frames / order.fps
            rate = models.pipeline.audio_sampling_rate
            heard = read_sound(path, rate=rate, seconds=seconds)
            if not heard.size:
                raise FilmRefusedError(VideoFault.SOURCE_UNUSABLE, "The file has no sound.")
            length = models.sound_length(order.frames, order.fps)
            latents = models.encode_sound(material.fitted(heard, round(seconds * rate)), rate, length)
            audio = Kept(latents, torch.ones(1, length, 1, dtype=torch.bool))
        made = self._in_one_go(prompt, models.pipeline, audio=audio)
        sound = read_sound(path, rate=models.sound_rate, seconds=seconds)
        return Made(made.latents, material.fitted(sound, round(seconds * models.sound_rate)), 0, order.frames)

    def _controlled(self, prompt: str, way: Controlled) -> Made:
        order = self._order
        assert way.lora is not None  # the service has put the model's own there
        downscale = reference_downscale(way.lora)
        with self._watch.stage(FilmStage.ENCODING):
            frames = read_frames(way.source, width=order.width, height=order.height, fps=order.fps, most=order.frames)
            guide = control_frames(frames, way.control, self._open_depth, self._watch.check)
            guide += [guide[-1]] * (order.frames - len(guide))  # a source that ends earlier stands still
        reference = LTX2ReferenceCondition(np.stack(guide))
        return self._in_one_go(
            prompt, self._models.in_context, reference_conditions=[reference], reference_downscale_factor=downscale
        )

    def _in_one_go(self, prompt: str, pipeline: Any, **more: Any) -> Made:
        order = self._order
        with self._watch.stage(FilmStage.ENCODING):
            words = self._models.encode_prompt(prompt)
        size = (order.width // 2, order.height // 2) if order.upscale else (order.width, order.height)
        with self._watch.stage(FilmStage.DENOISING, self._steps):
            latents, sound = self._denoiser.run(pipeline, words, size=size, frames=order.frames, sigmas=FIRST, **more)
        if order.upscale:
            latents, sound = self._refined(pipeline, words, latents, sound, **more)
        return Made(latents, sound, 0, order.frames)

    def _refined(
        self,
        pipeline: Any,
        words: tuple[torch.Tensor, torch.Tensor],
        latents: torch.Tensor,
        sound: torch.Tensor,
        **more: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        order = self._order
        with self._watch.stage(FilmStage.UPSCALING):
            large = self._larger(latents)
        with self._watch.stage(FilmStage.DENOISING, self._steps):
            return self._denoiser.run(
                pipeline,
                words,
                size=(order.width, order.height),
                frames=order.frames,
                sigmas=SECOND,
                latents=large,
                audio_latents=sound,
                noise_scale=SECOND[0],
                **more,
            )

    def _larger(self, latents: torch.Tensor) -> torch.Tensor:
        assert self._upscaler is not None  # the specs refuse such an order without one
        upscale = self._models.upscaler(self._upscaler)
        return upscale(latents=latents, output_type="latent", return_dict=False)[0].float()

    def _upscale(self, prompt: str, source: Path) -> Made:
        order, models = self._order, self._models
        with self._watch.stage(FilmStage.ENCODING):
            frames = list(
                read_frames(source, width=order.width // 2, height=order.height // 2, fps=order.fps, most=order.frames)
            )
            count = (len(frames) - 1) // FRAME_STEP * FRAME_STEP + 1
            latents = models.encode_frames(np.stack(frames[:count]))
            words = models.encode_prompt(prompt)
            length = models.sound_length(count, order.fps)
            rate = models.pipeline.audio_sampling_rate
            seconds = count / order.fps
            heard = material.fitted(read_sound(source, rate=rate, seconds=seconds), round(seconds * rate))
            audio = Kept(models.encode_sound(heard, rate, length), torch.ones(1, length, 1, dtype=torch.bool))
        with self._watch.stage(FilmStage.UPSCALING):
            large = self._larger(latents)
        with self._watch.stage(FilmStage.DENOISING, self._steps):
            refined, _ = self._denoiser.run(
                models.pipeline,
                words,
                size=(order.width, order.height),
                frames=count,
                sigmas=SECOND,
                audio=audio,
                latents=large,
                noise_scale=SECOND[0],
            )
        sound = read_sound(source, rate=models.sound_rate, seconds=seconds)
        whole = material.fitted(sound, round(seconds * models.sound_rate)) if sound.size else None
        return Made(refined, whole, 0, count)

    # ------------------------------------------------------------------------------------------ passages

    def _passage(self, prompt: str, way: Retake | Extension | Joining) -> Made:
        order, models = self._order, self._models
        with self._watch.stage(FilmStage.ENCODING):
            parts = material.material_of(order, way, self._watch.check)
            words = models.encode_prompt(prompt)
            frames = len(parts.window)
            kept_video = self._kept_video(parts)
            kept_audio = self._kept_audio(parts, way, frames)
        with self._watch.stage(FilmStage.DENOISING, self._steps):
            latents, sound = self._denoiser.run(
                models.pipeline,
                words,
                size=(order.width, order.height),
                frames=frames,
                sigmas=FIRST,
                video=kept_video,
                audio=kept_audio,
            )
        return Made(
            None if parts.keeps_picture else latents,
            None if parts.keeps_sound else sound,
            parts.passage.begin,
            parts.passage.end,
            parts.before,
            parts.after,
            parts.retaken,
            is_blended=not isinstance(way, Retake),  # outside of a retake, everything stays as it is
        )

    def _kept_video(self, parts: Material) -> Kept:
        height, width = parts.window.shape[1] // 32, parts.window.shape[2] // 32
        packed = self._models.packed(self._models.encode_frames(parts.window))
        is_made = np.zeros(len(parts.window), np.bool_)
        if not parts.keeps_picture:
            is_made[parts.passage.begin : parts.passage.end] = True
        # The first latent has one frame, each other one eight.
        kept = [not is_made[:1].any(), *(not each.any() for each in is_made[1:].reshape(-1, FRAME_STEP))]
        mask = torch.tensor(kept).repeat_interleave(height * width)[None, :, None]
        return Kept(packed, mask)

    def _kept_audio(self, parts: Material, way: Retake | Extension | Joining, frames: int) -> Kept:
        order, models = self._order, self._models
        rate, length = models.pipeline.audio_sampling_rate, models.sound_length(frames, order.fps)
        heard = material.window_sound(parts, way, order, rate)
        latents = models.encode_sound(heard, rate, length)
        begin, end = (round(at * length / frames) for at in (parts.passage.begin, parts.passage.end))
        mask = torch.ones(1, length, 1, dtype=torch.bool)
        if not parts.keeps_sound:
            mask[:, begin:end] = False
        return Kept(latents, mask)


def _latent_of(picture: PlacedPicture, fps: float, last: int) -> int:
    if picture.at == "first":
        return 0
    if picture.at == "last":
        return last
    frame = round(float(picture.at) * fps)
    return min(last, -(-frame // FRAME_STEP))


def _read_picture(path: Path) -> Frames:
    """RGB, (height, width, 3)."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise FilmRefusedError(VideoFault.SOURCE_UNUSABLE, "A picture is not there any more.") from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise FilmRefusedError(VideoFault.SOURCE_UNUSABLE, "A picture cannot be read.")
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
