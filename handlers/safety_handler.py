"""The seed-safety policy: every picture that somebody may see passes here first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

import numpy as np

from error_types import DomainError, ErrorCode
from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
    ClassifierStatus,
    ImageClassifier,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from runtime_config.current import Current
    from runtime_config.runtime_config import SeedSafety
    from services.seed_store.seed_store import SeedStore
    from services.verdict_cache.verdict_cache import VerdictCache
    from services.world_engine.world_engine import Picture


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Unsafe:
    """The classifier judged the picture unsafe."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """There is no verdict, and one is wanted. `reason` is a sentence."""

    reason: str


Verdict: TypeAlias = Allowed | Unsafe | Unjudged


class SafetyHandler:
    """Shipped seeds always pass. Every other picture passes if the classifier says so, or if the policy is `off`.

    A classifier that is missing or fails has not said so. What it said is remembered by the very pixels that it looked
    at, not by what a file calls itself, and for that classifier alone.
    """

    def __init__(
        self,
        policy: Current[SeedSafety],
        classifier: ImageClassifier,
        verdicts: VerdictCache,
        seed_store: SeedStore,
        *,
        classifying: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`classifying` is entered while the classifier works: it says where, and notes how that went."""
        self._policy = policy
        self._classifier = classifier
        self._verdicts = verdicts
        self._seed_store = seed_store
        self._classifying = classifying

    @property
    def policy(self) -> SeedSafety:
        return self._policy.now

    def status(self) -> ClassifierStatus:
        return self._classifier.status()

    def require(self, file_hash: str, picture: Picture, subject: str = "This picture") -> None:
        """Let a picture pass, or say why not. Blocks, for as long as the classifier takes.

        `file_hash` is the SHA-256 (hex) of its file; `subject` is what the sentence calls the picture.

        Raises:
            DomainError: SEED_UNSAFE, or SEED_CHECK_FAILED where there is no verdict.
        """
        verdict = self.judge(file_hash, picture)
        match verdict:
            case Allowed():
                return
            case Unsafe():
                raise DomainError(f"{subject} was judged unsafe. Choose another one.", ErrorCode.SEED_UNSAFE)
            case Unjudged(reason):
                raise DomainError(f"{subject} could not be checked: {reason}", ErrorCode.SEED_CHECK_FAILED)
            case _:
                assert_never(verdict)

    def judge(self, file_hash: str, picture: Picture) -> Verdict:
        """The verdict on a picture, for those who tell it instead of acting on it. Blocks."""
        policy = self._policy.now  # of the moment in which the check begins
        if policy == "off" or self._is_shipped(file_hash):
            return Allowed()
        status = self._classifier.status()
        match status:
            case ClassifierMissing(reason):
                return Unjudged(reason)
            case ClassifierReady(revision) | ClassifierFailing(revision):
                return self._classify(picture, revision)
            case _:
                assert_never(status)

    def _classify(self, picture: Picture, revision: str) -> Verdict:
        key = _hash_of(picture)
        is_safe = self._verdicts.find(key, revision)
        if is_safe is None:
            try:
                with self._classifying():
                    judgement = self._classifier.judge(picture)
            except ClassificationError as error:
                return Unjudged(str(error))
            is_safe = judgement.is_safe
            self._verdicts.keep(key, judgement.revision, is_safe=is_safe)
        return Allowed() if is_safe else Unsafe()

    def _is_shipped(self, seed_hash: str) -> bool:
        found = self._seed_store.find(seed_hash)
        return found is not None and found.origin == "shipped"


def _hash_of(picture: Picture) -> str:
    """Of the pixels and the shape: the same bytes in rows of another length are another picture."""
    digest = hashlib.sha256(repr(picture.shape).encode())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
