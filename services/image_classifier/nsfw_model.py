"""The classifier inside its worker's process: a model of transformers that grades pictures.

The grades and their meaning are those of Freepik/nsfw_image_detector: a picture is neutral, low, medium or high, and
each of the last three includes those above it, so that "at least low" is the sum of three.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import structlog
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
from transformers.utils.logging import disable_progress_bar

from services.torch_worker.worker_service import Job, ServiceRefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.torch_worker.torch_worker import Plain

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

LABELS: Final = ("neutral", "low", "medium", "high")


class NsfwModel:
    """A `WorkerService`. `judge` takes `picture` (uint8 [height, width, 3]) and `on_device`, whether to do it there,
    and gives the grades, each with the probability that the picture is at least that."""

    def __init__(self, folder: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(mode=False)
        disable_progress_bar()  # nobody watches the standard error of a server
        # transformers leaves the types of its factories open
        processors, models = cast("Any", AutoImageProcessor), cast("Any", AutoModelForImageClassification)
        self._processor = processors.from_pretrained(folder, local_files_only=True)
        self._model = models.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        ).eval()
        self._columns = _columns(self._model.config.id2label)
        self._device = "cpu"
        self._has_device = torch.cuda.is_available()

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        del method, job  # there is one, and it takes a moment
        order = cast("Mapping[str, Any]", payload)
        picture = np.asarray(order["picture"], dtype=np.uint8)
        try:
            self._move_to("cuda" if order["on_device"] and self._has_device else "cpu")
            return self._grade(picture)
        except torch.OutOfMemoryError:
            if not self._has_device:
                raise
            logger.warning("The device is out of memory, so pictures are checked on the CPU from here on")
            self._has_device = False
            self._move_to("cpu")
            torch.cuda.empty_cache()
            return self._grade(picture)

    def _grade(self, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Plain]:
        inputs = self._processor(images=Image.fromarray(picture), return_tensors="pt").to(self._device)
        logits = self._model(**inputs).logits[0].float()  # [labels]
        chances: list[float] = logits.softmax(dim=-1).cpu().tolist()
        if not all(math.isfinite(chance) for chance in chances):
            raise ServiceRefusalError("The picture check gave no usable answer.")
        _, low, medium, high = (chances[column] for column in self._columns)
        return {"low": min(1.0, low + medium + high), "medium": min(1.0, medium + high), "high": high}

    def _move_to(self, device: str) -> None:
        if device != self._device:
            self._device = device
            self._model.to(device)


def build_nsfw_model(folder: str, threads: int) -> NsfwModel:
    try:
        model = NsfwModel(Path(folder), threads)
    except (ServiceRefusalError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # libraries raise what they like; the text explains it
        raise ServiceRefusalError(explain(error)) from error
    logger.info("The picture check is loaded")
    return model


def _columns(id2label: Mapping[int, str]) -> tuple[int, ...]:
    """Where each of `LABELS` stands in the model's answer."""
    found = {label.lower(): int(column) for column, label in id2label.items()}
    if set(found) != set(LABELS):
        raise ServiceRefusalError("The model of the picture check has other grades than neutral, low, medium and high.")
    return tuple(found[label] for label in LABELS)


def explain(error: Exception) -> str:
    """A sentence for a load that failed."""
    if "torchvision" in f"{error} {error.__cause__}":
        return "The picture check cannot be loaded: torchvision does not match torch. Install the one made for it."
    if isinstance(error, ImportError):
        return "The picture check cannot be loaded: a package is missing. Install the extras models and safety."
    return "The files of the picture check are damaged or incomplete. Remove them and download them again."
