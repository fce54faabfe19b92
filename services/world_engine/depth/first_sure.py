"""One depth network after another, until one is sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.world_engine.depth.depth import DepthEstimator, DepthMap
    from services.world_engine.world_engine import Picture


class FirstSure:
    """A `DepthEstimator`: the map of `first` where that is sure, and otherwise the map of `then`."""

    def __init__(self, first: DepthEstimator, then: DepthEstimator) -> None:
        self._first = first
        self._then = then

    def estimate(self, picture: Picture) -> DepthMap:
        found = self._first.estimate(picture)
        return found if found.is_sure else self._then.estimate(picture)
