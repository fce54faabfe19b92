"""Depth by Depth Anything V2 small, in a process of its own: torch is imported there alone."""

from __future__ import annotations

import math
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final, cast

import cv2
import numpy as np

from services.torch_worker.torch_worker import TorchWorkerError, WorkerFault, WorkerSpec
from services.world_engine.depth.depth import DepthFailedError, DepthMap
from services.world_engine.depth.depth_anything_files import TITLE
from services.world_engine.depth.ground_fit import fit_to_ground

if TYPE_CHECKING:
    from pathlib import Path

    from services.torch_worker.torch_worker import Plain, TorchWorker
    from services.world_engine.depth.depth import Floats
    from services.world_engine.depth.ground_fit import Camera
    from services.world_engine.world_engine import Picture

PATCH: Final = 14  # pixels along an edge of what the network sees as one
# Patches of a picture, whatever its shape: 26 by 46 of one in 16:9. The authors use 37 on the shorter side, which takes
# 2.7 times as long; the cut has half the pixels of this map along each axis.
_PATCHES: Final = 26 * 46
_FEWEST: Final = 8  # patches along an axis, for pictures that are all but a line
SURE_BELOW: Final = 0.07  # as for Moss: how far picture and mirror image may differ, as a share of the mean
FITS_BELOW: Final = 0.08  # how far the ground may be from a plane, as a share of its range
_LIMIT_S: Final = 120.0  # for a picture, with loading and the pictures before it
_THREADS: Final = 1
_NICENESS: Final = 5  # worlds that are played come first
_IDLE_S: Final = 600.0  # then the process ends


def worker_spec(folder: Path) -> WorkerSpec:
    """A process that holds the model of that folder from the first call on."""
    return WorkerSpec(
        name="depth network",
        factory="services.world_engine.depth.depth_anything_network:build_depth_network",
        options={"folder": str(folder), "threads": _THREADS},
        threads=_THREADS,
        niceness=_NICENESS,
        idle_s=_IDLE_S,
    )


class DepthAnything:
    """A `DepthEstimator`. Any number of threads may use it; they are answered one after the other.

    The network tells relative inverse depth, which is brought to the ground of the picture (`ground_fit`). A map is
    sure if that ground is a plane, and if the network says the same of the picture and of its mirror image.
    """

    def __init__(self, worker: TorchWorker, camera: Camera) -> None:
        """`worker` is that of `worker_spec`. The model is loaded by the first picture."""
        self._worker = worker
        self._camera = camera

    def estimate(self, picture: Picture) -> DepthMap:
        height, width = picture.shape[:2]
        seen, mirrored = self._relative(picture)
        fit = fit_to_ground(
            np.float32(0.5) * (seen + mirrored), self._camera.find_horizon(picture) / height, self._camera
        )
        if fit is None:
            return DepthMap(np.zeros((height, width), dtype=np.float32), doubt=1.0, is_sure=False)
        near, far = (fit.inverse_depth(each, self._camera.half_fov) for each in (seen, mirrored))
        mean = np.float32(0.5) * (near + far)
        doubt = float(np.abs(near - far).mean()) / max(float(mean.mean()), 1e-6)
        whole = np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        return DepthMap(whole, doubt, doubt < SURE_BELOW and fit.misfit < FITS_BELOW)

    def close(self) -> None:
        """End the process. Whoever waits for a map gets a `DepthFailedError`. Idempotent."""
        self._worker.close()

    def _relative(self, picture: Picture) -> tuple[Floats, Floats]:
        """What the network says of the picture and of its mirror image, the latter mirrored back."""
        width, height = network_size(picture.shape[1], picture.shape[0])
        small = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        told = np.asarray(self._answer({"picture": small}), dtype=np.float32)
        if told.shape != (2, height, width) or not np.isfinite(told).all():
            raise DepthFailedError(f"{TITLE} gave no usable answer.")
        return cast("Floats", told[0]), cast("Floats", told[1, :, ::-1])

    def _answer(self, order: Plain) -> Plain:
        """A process that died in its work is started once more: somebody may have ended it to have its memory.

        Raises:
            DepthFailedError: it did not answer.
        """
        try:
            try:
                return self._worker.submit("depth", order, timeout_s=_LIMIT_S).result()
            except TorchWorkerError as error:
                if error.fault is not WorkerFault.DIED:
                    raise
                return self._worker.submit("depth", order, timeout_s=_LIMIT_S).result()
        except (TorchWorkerError, CancelledError) as error:
            raise DepthFailedError(f"{TITLE} cannot tell the depth of this picture. {error}".rstrip()) from error


def network_size(width: int, height: int) -> tuple[int, int]:
    """Width and height, in pixels, in which a picture is shown to the network: its shape, in whole patches."""
    down = round(math.sqrt(_PATCHES * height / width))
    rows = min(max(down, _FEWEST), _PATCHES // _FEWEST)
    return _PATCHES // rows * PATCH, rows * PATCH
