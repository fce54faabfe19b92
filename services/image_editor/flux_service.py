"""FLUX.2 klein inside its worker's process: text to image, and a picture changed by words."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
import torch
from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline
from diffusers.utils.logging import disable_progress_bar
from PIL import Image

from services.local_models.loading import loading
from services.local_models.quantising import for_diffusers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.authoring_config import Quantisation
    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_STEPS: Final = 4  # what the model was distilled for
_GUIDANCE: Final = 1.0  # the distilled model has none


class FluxService:
    """A `WorkerService`. `make` takes an order as a mapping and gives a PNG; `prepare` does nothing more than load."""

    def __init__(self, folder: str, placement: str, threads: int, quant: Quantisation) -> None:
        torch.set_num_threads(threads)
        disable_progress_bar()  # nobody watches the standard error of a server
        # diffusers leaves these untyped
        pipeline: Any = Flux2KleinPipeline.from_pretrained(  # pyright: ignore[reportUnknownMemberType]
            folder,
            dtype=torch.float32 if placement == "cpu" and quant == "none" else torch.bfloat16,
            local_files_only=True,
            use_safetensors=True,
            device_map="cuda" if placement == "resident" else "cpu",  # without a stay in RAM on the way
            quantization_config=for_diffusers(quant, own=["transformer"], of_transformers=["text_encoder"]),
        )
        pipeline.set_progress_bar_config(disable=True)
        if placement == "offloaded":
            pipeline.enable_model_cpu_offload()
        self._pipeline = pipeline

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        if method == "prepare":
            return None
        order = cast("Mapping[str, Any]", payload)
        job.check()
        image = self._paint(order, job)
        job.check()
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()

    def _paint(self, order: Mapping[str, Any], job: Job) -> Image.Image:
        def stepped(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # The pipeline's own way to stop would still decode what there is: leaving by an exception is at once.
            job.check()
            job.report((step + 1) / _STEPS)
            return tensors

        reference = order["reference"]
        # No inference mode around it: what is quantised could not be moved to a device and back in there.
        made: Any = self._pipeline(
            image=None if reference is None else Image.open(io.BytesIO(reference)).convert("RGB"),
            prompt=order["instruction"],
            width=order["width"],
            height=order["height"],
            num_inference_steps=_STEPS,
            guidance_scale=_GUIDANCE,
            generator=torch.Generator("cpu").manual_seed(order["rng_seed"]),
            callback_on_step_end=stepped,
        )
        return made.images[0]


def build_flux_service(folder: str, placement: str, threads: int, quant: Quantisation = "none") -> FluxService:
    with loading("image model", placement):
        service = FluxService(folder, placement, threads, quant)
    logger.info("The image model is loaded", placement=placement, quant=quant)
    return service
