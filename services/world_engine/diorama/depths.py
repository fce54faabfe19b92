"""By which depth a stroll goes: that of Moss where it is sure, and otherwise that of Depth Anything if it is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

import numpy as np
import structlog

from runtime_config.constants import MOSS_DIR
from services.world_engine.depth.depth import DepthFailedError
from services.world_engine.depth.depth_anything import DepthAnything, worker_spec
from services.world_engine.depth.depth_anything_files import (
    DepthAnythingNotPulled,
    DepthAnythingState,
    DepthAnythingUnusable,
    DepthAnythingUsable,
    weights_hash,
)
from services.world_engine.depth.first_sure import FirstSure
from services.world_engine.depth.ground_fit import Camera
from services.world_engine.depth.moss_depth import MossDepth
from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama.constants import EYE_HEIGHT, HALF_FOV, HEIGHT, WIDTH
from services.world_engine.diorama.engine import Manner, stroll
from world_model.runtime import Runtime
from world_model.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

CAMERA: Final = Camera(HALF_FOV, EYE_HEIGHT, find_horizon)


@dataclass(frozen=True, slots=True)
class Strolls:
    """Worlds are opened as `first`, or as `spare` once the depth of the first has failed. `close` ends it all."""

    first: Manner
    spare: Manner | None = None
    close: Callable[[], None] = lambda: None


def strolls_of(state: DepthAnythingState, start_worker: Callable[[WorkerSpec], TorchWorker]) -> Strolls:
    """What can be had with Depth Anything in that state. Where it cannot be used, the log says why.

    Blocks for seconds where it is there: its files are hashed, and it is shown a picture.

    Raises:
        WeightsError: the weights of Moss, which come with the server, are missing or damaged.
    """
    manifest, graphs = read_weights(MOSS_DIR, ("start",))
    moss, moss_hash = MossDepth(Runtime(manifest, graphs)), manifest.files["start"]
    by_moss = stroll(moss, moss_hash)
    match state:
        case DepthAnythingUsable(folder):
            try:
                deep_hash = weights_hash(folder)
                deep = _tried_out(folder, start_worker)
            except (DepthFailedError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                logger.warning("Depth Anything is not used", reason=reason)
                return Strolls(by_moss)
            return Strolls(stroll(FirstSure(moss, deep), f"{moss_hash} {deep_hash}"), by_moss, deep.close)
        case DepthAnythingUnusable(reason):
            logger.warning("Depth Anything is not used", reason=reason)
            return Strolls(by_moss)
        case DepthAnythingNotPulled():
            return Strolls(by_moss)
        case _:
            assert_never(state)


def _tried_out(folder: Path, start_worker: Callable[[WorkerSpec], TorchWorker]) -> DepthAnything:
    """Have it look at a grey picture, so that damaged weights are found before anybody plays.

    Raises:
        DepthFailedError: it gave no answer.
    """
    deep = DepthAnything(start_worker(worker_spec(folder)), CAMERA)
    try:
        deep.estimate(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8))
    except BaseException:  # whatever ends this, no process stays behind
        deep.close()
        raise
    return deep
