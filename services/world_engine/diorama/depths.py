"""By which depth a stroll goes: Depth Anything's where it is on this machine, and Moss's as the spare one or alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

import structlog

from runtime_config.constants import MOSS_DIR
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.world_engine.depth.depth_anything import DepthAnything, worker_spec
from services.world_engine.depth.depth_anything_files import (
    DepthAnythingNotPulled,
    DepthAnythingState,
    DepthAnythingUnusable,
    DepthAnythingUsable,
    weights_hash,
)
from services.world_engine.depth.ground_fit import Camera
from services.world_engine.depth.moss_depth import MossDepth
from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama.constants import EYE_HEIGHT, HALF_FOV
from services.world_engine.diorama.engine import Manner, stroll
from world_model.runtime import Runtime
from world_model.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

CAMERA: Final = Camera(HALF_FOV, EYE_HEIGHT, find_horizon)


@dataclass(frozen=True, slots=True)
class Strolls:
    """Worlds are opened as `first`, or as `spare` once the depth of the first has failed. `close` ends it all."""

    first: Manner
    spare: Manner | None = None
    close: Callable[[], None] = lambda: None


def strolls_of(state: DepthAnythingState) -> Strolls:
    """What can be had with Depth Anything in that state. Blocks: it may read all weights. Starts no process.

    Raises:
        WeightsError: the weights of Moss, which come with the server, are missing or damaged.
    """
    manifest, graphs = read_weights(MOSS_DIR)
    by_moss = stroll(MossDepth(Runtime(manifest, {"start": graphs["start"]})), manifest.files["start"])
    match state:
        case DepthAnythingUsable(folder):
            try:
                hashed = weights_hash(folder)
            except OSError as error:
                logger.warning("Depth Anything is not used: its files cannot be read", reason=error.strerror)
                return Strolls(by_moss)
            depth = DepthAnything(ProcessTorchWorker(worker_spec(folder)), CAMERA)
            return Strolls(stroll(depth, hashed), by_moss, depth.close)
        case DepthAnythingUnusable(reason):
            logger.warning("Depth Anything is not used", reason=reason)
            return Strolls(by_moss)
        case DepthAnythingNotPulled():
            return Strolls(by_moss)
        case _:
            assert_never(state)
