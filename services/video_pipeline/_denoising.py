"""One run of the denoiser: the arguments that all pipelines share, its progress, and previews on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES, STAGE_2_DISTILLED_SIGMA_VALUES

from services.video_pipeline._kept_latents import keeping
from services.video_pipeline._watch import preview_of
from services.video_pipeline.video_pipeline import FilmStage
from services.video_reader.source_media import exact_rate

if TYPE_CHECKING:
    from services.video_pipeline._kept_latents import Kept
    from services.video_pipeline._ltx_models import LtxModels
    from services.video_pipeline._watch import Watch
    from services.video_pipeline.film_order import FilmOrder

FIRST: Final = tuple(DISTILLED_SIGMA_VALUES)
SECOND: Final = tuple(STAGE_2_DISTILLED_SIGMA_VALUES)
# The model was distilled: it needs no second pass for guidance.
_UNGUIDED: Final = (
    *(("guidance_scale", 1.0), ("stg_scale", 0.0), ("modality_scale", 1.0), ("guidance_rescale", 0.0)),
    *(("audio_guidance_scale", 1.0), ("audio_stg_scale", 0.0), ("audio_modality_scale", 1.0)),
    *(("audio_guidance_rescale", 0.0), ("spatio_temporal_guidance_blocks", None)),
)
_PREVIEW_EVERY: Final = 2  # steps
_PREVIEW_LATENTS: Final = 10  # a side of a preview


class Denoiser:
    """Runs the model for one order. `run` may be called again for a second pass; steps are counted over all passes."""

    def __init__(self, models: LtxModels, order: FilmOrder, watch: Watch, steps: int) -> None:
        self._models = models
        self._order = order
        self._watch = watch
        self._steps = steps
        self._done = 0
        self._generator = torch.Generator("cpu").manual_seed(order.seed)

    def run(
        self,
        pipeline: Any,
        prompt: tuple[torch.Tensor, torch.Tensor],
        *,
        size: tuple[int, int],
        frames: int,
        sigmas: tuple[float, ...],
        video: Kept | None = None,
        audio: Kept | None = None,
        **more: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Denormalised latents of picture and sound. `size` is width and height; `more` is for the pipeline."""
        transformer, scheduler = pipeline.transformer, pipeline.scheduler
        with (
            self._watch.inside(*transformer.transformer_blocks),
            keeping(transformer, lambda step: scheduler.sigmas[step], video, audio),
        ):
            return pipeline(
                prompt_embeds=prompt[0],
                prompt_attention_mask=prompt[1],
                width=size[0],
                height=size[1],
                num_frames=frames,
                frame_rate=float(exact_rate(self._order.fps)),
                sigmas=list(sigmas),
                num_inference_steps=len(sigmas),
                generator=self._generator,
                callback_on_step_end=self._stepped(size, frames),
                output_type="latent",
                return_dict=False,
                **dict(_UNGUIDED),
                **more,
            )

    def _stepped(self, size: tuple[int, int], frames: int) -> Any:
        grid = ((frames - 1) // 8 + 1, size[1] // 32, size[0] // 32)

        def stepped(_pipeline: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # The pipeline's own way to stop would still decode what there is: leaving by an exception is at once.
            self._watch.check()
            self._done += 1
            is_due = self._order.previews and self._done % _PREVIEW_EVERY == 0
            preview = self._preview(tensors["latents"], grid) if is_due else None
            self._watch.tell(FilmStage.DENOISING, self._done, self._steps, preview)
            return tensors

        return stepped

    def _preview(self, packed: torch.Tensor, grid: tuple[int, int, int]) -> bytes:
        """The middle of the film so far, small enough to be decoded in no time."""
        pipeline, vae = self._models.pipeline, self._models.pipeline.vae
        count = grid[0] * grid[1] * grid[2]
        latents = pipeline._unpack_latents(packed[:, :count], *grid, 1, 1)
        middle = latents[:, :, grid[0] // 2]
        scale = min(1.0, _PREVIEW_LATENTS / max(grid[1:]))
        small = torch.nn.functional.interpolate(
            middle.float(), size=[max(2, round(side * scale)) for side in grid[1:]], mode="area"
        )
        latents = pipeline._denormalize_latents(
            small[:, :, None], vae.latents_mean, vae.latents_std, vae.config.scaling_factor
        )
        return preview_of(self._models.decode_frames(latents)[0].numpy())
