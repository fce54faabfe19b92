"""Depth estimators that are told what to say, and when to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.world_engine.depth.depth import DepthFailedError, DepthMap

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


class BrokenDepth(FakeDepth):
    """A `FakeDepth` that fails after so many answers."""

    def __init__(self, inverse_depth: Floats | None = None, *, answers: int = 0) -> None:
        super().__init__(inverse_depth)
        self._answers = answers

    def estimate(self, picture: Picture) -> DepthMap:
        if not self._answers:
            raise DepthFailedError("It is broken.")
        self._answers -= 1
        return super().estimate(picture)
