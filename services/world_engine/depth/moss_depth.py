"""Depth by the network with which Moss looks at the picture that a world starts in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from runtime_config.constants import MOSS_DIR
from services.world_engine.depth.depth import DepthMap
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from services.world_engine.depth.depth import Floats
    from services.world_engine.world_engine import Picture
    from world_model.runtime import Runtime

# The network learnt depth in the open country of a simulator. What it says of a picture and of its mirror image differs
# by at most 0.06 there, and by at least 0.09 in the 18 other pictures of docs/evaluation.md.
SURE_BELOW: Final = 0.07


class MossDepth:
    """A `DepthEstimator`. Any number of threads may use it."""

    def __init__(self, runtime: Runtime) -> None:
        """`runtime` needs the graph `start` alone."""
        self._runtime = runtime

    def estimate(self, picture: Picture) -> DepthMap:
        size = self._runtime.config.width, self._runtime.config.height
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        seen = self._inverse_depth(small)
        mirrored = self._inverse_depth(np.ascontiguousarray(small[:, ::-1]))[:, ::-1]
        mean = np.float32(0.5) * (seen + mirrored)
        doubt = float(np.abs(seen - mirrored).mean()) / max(float(mean.mean()), 1e-6)
        return DepthMap(mean, doubt, doubt < SURE_BELOW)

    def _inverse_depth(self, small: Picture) -> Floats:
        """1 / metres; a view's disparity is 1 / (1 + metres) in 255 steps."""
        disparity = self._runtime.start(small)[3].astype(np.float32) / np.float32(255.0)
        return disparity / np.maximum(np.float32(1.0) - disparity, np.float32(0.05))


def open_moss_depth() -> MossDepth:
    """With the weights that come with the server. Raises: WeightsError, they are missing or damaged."""
    return MossDepth(load_runtime(MOSS_DIR, ("start",)))
