"""How far away things in a picture are, as far as that can be told from the picture alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from services.world_engine.world_engine import EngineFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_engine.world_engine import Picture

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class DepthMap:
    """`inverse_depth` is float32 [rows, columns], of any size: 1 / metres on the map, 0 at infinity.

    Its scale is a guess, so only ratios count. `doubt` says how far the estimate is from what the same estimator says
    of the mirrored picture, as a share of the mean. `is_sure` says whether anything may rely on it.
    """

    inverse_depth: Floats
    doubt: float
    is_sure: bool


class DepthFailedError(EngineFaultError):
    """The network that finds depth gave no answer, whatever the picture shows. `str()` of it is a sentence."""


class DepthEstimator(Protocol):
    def estimate(self, picture: Picture) -> DepthMap:
        """The depth of `picture`, which may have any size.

        The same picture gives the same map on the same machine. Blocks for some ten milliseconds, or for seconds where
        the network is large. Never raises for what a picture shows: where nothing can be told, the map is not sure.

        Raises:
            DepthFailedError: the network cannot be loaded, or has failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class DepthSource:
    """A `DepthEstimator` for a process of its own: `make` is the `module:function` that gives one there.

    `what_is_missing` gives a sentence for the person who runs the server, or None where it can be made. It imports
    nothing heavy.
    """

    make: str
    what_is_missing: Callable[[], str | None]
