"""The better of two classifiers: a large one where it is installed, and otherwise the one in the box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.image_classifier.image_classifier import ClassifierMissing, ClassifierStatus, Judgement

if TYPE_CHECKING:
    from services.image_classifier.image_classifier import ImageClassifier
    from services.memory_planner.model_memory import Placement
    from services.world_engine.world_engine import Picture


class BestImageClassifier:
    """An `ImageClassifier`. `large` may be installed or removed while the server runs.

    A large one that is installed and fails is not replaced: whoever installed it wants its verdict.
    """

    def __init__(self, large: ImageClassifier, bundled: ImageClassifier) -> None:
        self._large = large
        self._bundled = bundled

    def status(self) -> ClassifierStatus:
        large = self._large.status()
        return self._bundled.status() if isinstance(large, ClassifierMissing) else large

    def place(self, placement: Placement) -> None:
        self._large.place(placement)

    def judge(self, picture: Picture) -> Judgement:
        is_missing = isinstance(self._large.status(), ClassifierMissing)
        return (self._bundled if is_missing else self._large).judge(picture)

    def close(self) -> None:
        self._large.close()
        self._bundled.close()
