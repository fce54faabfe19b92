"""The one door for pictures: what the seed-safety policy says of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierMissing,
    ClassifierReady,
    ImageClassifier,
)

if TYPE_CHECKING:
    from runtime_config.runtime_config import SeedSafety
    from services.seed_store.seed_store import SeedStore
    from services.world_engine.world_engine import Picture


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Unsafe:
    """The classifier judged the picture unsafe."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """There is no verdict, and the policy does not let such a picture pass. `reason` is a sentence."""

    reason: str


Verdict: TypeAlias = Allowed | Unsafe | Unjudged


class SafetyHandler:
    """`off`: every picture passes. `when-available`: a picture passes unless a classifier objects; without a classifier
    all pass. `strict`: a picture passes if the classifier says so; without one, shipped seeds alone pass."""

    def __init__(self, policy: SeedSafety, classifier: ImageClassifier, seed_store: SeedStore) -> None:
        self._policy: SeedSafety = policy
        self._classifier = classifier
        self._seed_store = seed_store

    @property
    def policy(self) -> SeedSafety:
        return self._policy

    def missing_reason(self) -> str | None:
        """Why pictures cannot be judged; None when they can."""
        match self._classifier.status():
            case ClassifierReady():
                return None
            case ClassifierMissing(reason):
                return reason

    def judge(self, seed_hash: str, picture: Picture) -> Verdict:
        """The verdict on a picture, whose file has the SHA-256 `seed_hash`. Blocks."""
        if self._policy == "off" or self._is_shipped(seed_hash):
            return Allowed()
        status = self._classifier.status()
        match status:
            case ClassifierMissing(reason):
                return Allowed() if self._policy == "when-available" else Unjudged(reason)
            case ClassifierReady():
                return self._classify(picture)
            case _:
                assert_never(status)

    def _classify(self, picture: Picture) -> Verdict:
        try:
            return Allowed() if self._classifier.is_safe(picture) else Unsafe()
        except ClassificationError as error:
            return Unjudged(str(error))

    def _is_shipped(self, seed_hash: str) -> bool:
        found = self._seed_store.find(seed_hash)
        return found is not None and found.origin == "shipped"
