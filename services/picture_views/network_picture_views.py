"""Tells close-ups from places by what the network of the picture check sees, and by three signs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import structlog

from services.image_classifier.image_classifier import ClassificationError
from services.picture_views._signs import middle, signs_of
from services.picture_views.picture_views import CLOSE_UP

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from services.picture_views.picture_views import PictureViews
    from services.world_engine.world_engine import Picture

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

FILE_NAME: Final = "close_ups.json"


class Network(Protocol):
    def features(self, picture: Picture) -> NDArray[np.float64]:
        """Raises: ClassificationError, the network cannot look."""
        ...


@dataclass(frozen=True, slots=True)
class CloseUpWeights:
    """Of a logistic regression that `scripts/fit_close_ups.py` fits; a picture below the limit is a close-up."""

    features: NDArray[np.float64]
    signs: NDArray[np.float64]
    offset: float
    limit: float

    def score(self, picture: Picture, network: Network) -> float:
        """How much like a place a picture is. Raises: ClassificationError, the network cannot look."""
        seen = network.features(middle(picture))
        if seen.shape != self.features.shape or not np.isfinite(seen).all():
            raise ClassificationError("The network of the picture check has other features than its weights.")
        return float(self.offset + self.features @ seen + self.signs @ np.array(signs_of(picture)))


def read_weights(folder: Path) -> CloseUpWeights:
    """Raises: OSError, ValueError or KeyError, the file is missing or damaged."""
    plain: dict[str, Any] = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    features, signs = np.array(plain["features"], dtype=np.float64), np.array(plain["signs"], dtype=np.float64)
    return CloseUpWeights(features, signs, float(plain["offset"]), float(plain["limit"]))


class NetworkPictureViews:
    """A `PictureViews`. Where the network cannot look, `otherwise` tells."""

    def __init__(self, network: Network, weights: CloseUpWeights, otherwise: PictureViews) -> None:
        self._network = network
        self._weights = weights
        self._otherwise = otherwise

    def view_of(self, picture: Picture) -> str | None:
        try:
            score = self._weights.score(picture, self._network)
        except ClassificationError as error:
            logger.warning("Close-ups are told by simple signs, because the network cannot look", reason=str(error))
            return self._otherwise.view_of(picture)
        return CLOSE_UP if score < self._weights.limit else None
