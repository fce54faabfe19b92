"""A depth estimator that is told what to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.world_engine.depth.depth import DepthMap

if TYPE_CHECKING:
    from services.world_engine.depth.depth import Floats
    from services.world_engine.world_engine import Picture


class FakeDepth:
    """A `DepthEstimator`: one map for all pictures; without any, it is never sure."""

    def __init__(self, inverse_depth: Floats | None = None) -> None:
        self.inverse_depth = inverse_depth

    def estimate(self, picture: Picture) -> DepthMap:
        if self.inverse_depth is None:
            return DepthMap(np.zeros(picture.shape[:2], dtype=np.float32), doubt=1.0, is_sure=False)
        return DepthMap(self.inverse_depth, doubt=0.0, is_sure=True)
