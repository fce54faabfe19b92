"""The classifier of a server that has none: it says so, and judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.image_classifier.image_classifier import ClassificationError, ClassifierMissing, ClassifierStatus

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

_REASON = "No image classifier is installed on this server, so seed pictures cannot be checked."


class UnconfiguredImageClassifier:
    def status(self) -> ClassifierStatus:
        return ClassifierMissing(reason=_REASON)

    def is_safe(self, picture: Picture) -> bool:
        del picture
        raise ClassificationError(_REASON)

    def close(self) -> None:
        pass
