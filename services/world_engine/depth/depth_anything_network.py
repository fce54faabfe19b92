"""Depth Anything inside its worker's process: a model of transformers that tells relative inverse depth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import structlog
import torch
from transformers import DepthAnythingForDepthEstimation
from transformers.utils.logging import disable_progress_bar

from services.local_models.loading import loading
from services.torch_worker.worker_service import Job, ServiceRefusalError
from services.world_engine.depth.depth_anything_files import TITLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.torch_worker.torch_worker import Plain

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MEAN: Final = (0.485, 0.456, 0.406)  # of the colours of ImageNet, 0 to 1, by which the model was trained
_SPREAD: Final = (0.229, 0.224, 0.225)


class DepthNetwork:
    """A `WorkerService`. `depth` takes `picture`, uint8 [height, width, 3] in whole patches, and gives float32
    [2, height, width]: relative inverse depth, larger where nearer, of the picture and of its mirror image."""

    def __init__(self, folder: Path, threads: int) -> None:
        """On the processor, so that a card stays with the worlds.

        Raises:
            ServiceRefusalError: the files are not those of such a model.
        """
        torch.set_num_threads(threads)
        torch.set_grad_enabled(mode=False)
        disable_progress_bar()  # nobody watches the standard error of a server
        factory = cast("Any", DepthAnythingForDepthEstimation)  # transformers leaves the types of its factories open
        model, told = factory.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
        if told["missing_keys"] or told["mismatched_keys"]:  # transformers would draw those numbers at random
            raise ServiceRefusalError(
                f"The weights of {TITLE} are those of another model. Remove it, and pull it again."
            )
        self._model = model.eval()

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        del method, job  # there is one, and it takes a moment
        picture = np.asarray(cast("Mapping[str, Any]", payload)["picture"], dtype=np.uint8)
        shown = torch.as_tensor(np.stack([picture, picture[:, ::-1]])).permute(0, 3, 1, 2).float() / 255.0
        normal = (shown - torch.tensor(_MEAN).view(1, 3, 1, 1)) / torch.tensor(_SPREAD).view(1, 3, 1, 1)
        depth = self._model(pixel_values=normal).predicted_depth  # [2, height, width]
        if not bool(torch.isfinite(depth).all()):
            raise ServiceRefusalError("It gave numbers that are none.")
        return np.ascontiguousarray(depth.float().numpy())


def build_depth_network(folder: str, threads: int) -> DepthNetwork:
    """Raises: ServiceRefusalError, the model cannot be loaded."""
    with loading("depth network", "cpu"):
        network = DepthNetwork(Path(folder), threads)
    logger.info("The depth network is loaded", model=TITLE)
    return network
