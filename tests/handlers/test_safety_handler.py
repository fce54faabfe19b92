"""The safety check of pictures: every policy against every state of the classifier, and which verdicts are cached."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pytest

from error_types import DomainError, ErrorCode
from handlers.safety_handler import Allowed, SafetyHandler, Unjudged, Unsafe, Verdict
from runtime_config.current import Current
from services.image_classifier.image_classifier import (
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
    Judgement,
)
from services.picture_decoder.picture_decoder import PictureFactsPayload
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_verdict_cache import FakeVerdictCache

if TYPE_CHECKING:
    from runtime_config.runtime_config import SeedSafety
    from services.image_classifier.image_classifier import ClassifierStatus
    from services.world_engine.world_engine import Picture

PICTURE = np.full((4, 6, 3), 9, dtype=np.uint8)
UNKNOWN = "0" * 64
READY = ClassifierReady("model@1")
FAILING = ClassifierFailing("model@1", "It failed.")
MISSING = ClassifierMissing("There is none.")


def door(
    policy: SeedSafety = "strict",
    classifier: FakeImageClassifier | None = None,
    verdicts: FakeVerdictCache | None = None,
) -> SafetyHandler:
    return SafetyHandler(
        Current.fixed(policy),
        classifier or FakeImageClassifier(),
        verdicts or FakeVerdictCache(),
        FakeSeedStore(),
        classifying=nullcontext,
    )


@pytest.mark.parametrize(
    ("policy", "status", "says", "verdict"),
    [
        ("off", READY, False, Allowed()),
        ("off", MISSING, None, Allowed()),
        ("strict", READY, True, Allowed()),
        ("strict", READY, False, Unsafe()),
        ("strict", READY, None, Unjudged("The device was lost.")),
        ("strict", FAILING, True, Allowed()),
        ("strict", FAILING, None, Unjudged("The device was lost.")),
        ("strict", MISSING, None, Unjudged("There is none.")),
    ],
)
def test_the_policy_by_table(
    policy: SeedSafety, status: ClassifierStatus, *, says: bool | None, verdict: Verdict
) -> None:
    classifier = FakeImageClassifier(lambda _: bool(says), status=status)
    classifier.fail = None if says is not None else "The device was lost."
    assert door(policy, classifier).judge(UNKNOWN, PICTURE) == verdict


@pytest.mark.parametrize("policy", ["strict", "off"])
def test_shipped_seeds_always_pass_and_are_not_looked_at(policy: SeedSafety) -> None:
    classifier = FakeImageClassifier(lambda _: False)
    store = FakeSeedStore([(b"a file", PictureFactsPayload(6, 4, "PNG", ".png"), "Shipped")])
    safety = SafetyHandler(Current.fixed(policy), classifier, FakeVerdictCache(), store, classifying=nullcontext)
    assert safety.judge(store.list()[0].hash, PICTURE) == Allowed()
    assert classifier.calls == 0


@pytest.mark.parametrize("is_safe", [True, False])
def test_a_picture_is_looked_at_once_whatever_its_file_is_called(*, is_safe: bool) -> None:
    classifier = FakeImageClassifier(lambda _: is_safe)
    safety = door(classifier=classifier)
    first = safety.judge(UNKNOWN, PICTURE)
    assert safety.judge("1" * 64, PICTURE.copy()) == first
    assert classifier.calls == 1


def test_verdicts_are_of_the_pixels_their_shape_and_the_revision() -> None:
    classifier, verdicts = FakeImageClassifier(), FakeVerdictCache()
    safety = door(classifier=classifier, verdicts=verdicts)
    for picture in (PICTURE, PICTURE + 1, PICTURE.reshape(6, 4, 3)):
        safety.judge(UNKNOWN, picture)
    assert classifier.calls == 3
    newer = FakeImageClassifier(lambda _: False, status=ClassifierReady("model@2"))
    assert door(classifier=newer, verdicts=verdicts).judge(UNKNOWN, PICTURE) == Unsafe()


def test_a_failure_is_never_remembered() -> None:
    classifier = FakeImageClassifier()
    classifier.fail = "The device was lost."
    safety = door(classifier=classifier)
    assert safety.judge(UNKNOWN, PICTURE) == Unjudged("The device was lost.")
    classifier.fail = None
    assert safety.judge(UNKNOWN, PICTURE) == Allowed()


def test_without_a_classifier_no_verdict_is_read_or_kept() -> None:
    """The verdicts of a model that was removed no longer count."""
    verdicts = FakeVerdictCache()
    assert door("strict", FakeImageClassifier(), verdicts).judge(UNKNOWN, PICTURE) == Allowed()
    gone = FakeImageClassifier(status=MISSING)
    assert door("strict", gone, verdicts).judge(UNKNOWN, PICTURE) == Unjudged("There is none.")
    assert gone.calls == 0


def test_a_verdict_is_remembered_for_the_classifier_that_gave_it() -> None:
    """Also where another classifier took over between the look at its status and the look at the picture."""
    verdicts = FakeVerdictCache()

    class TakenOver(FakeImageClassifier):
        def judge(self, picture: Picture) -> Judgement:
            self.become(ClassifierReady("model@2"))
            return super().judge(picture)

    assert door("strict", TakenOver(status=READY), verdicts).judge(UNKNOWN, PICTURE) == Allowed()
    strict_one = FakeImageClassifier(lambda _: False, status=READY)
    assert door("strict", strict_one, verdicts).judge(UNKNOWN, PICTURE) == Unsafe()
    successor = FakeImageClassifier(status=ClassifierReady("model@2"))
    assert door("strict", successor, verdicts).judge(UNKNOWN, PICTURE) == Allowed()
    assert successor.calls == 0


def test_allowed_pictures_pass_and_others_are_refused_in_a_sentence() -> None:
    door(classifier=FakeImageClassifier()).require(UNKNOWN, PICTURE)
    with pytest.raises(DomainError, match=r"^This picture was judged unsafe\. Choose another one\.$") as unsafe:
        door(classifier=FakeImageClassifier(lambda _: False)).require(UNKNOWN, PICTURE)
    assert unsafe.value.code is ErrorCode.SEED_UNSAFE
    failing = FakeImageClassifier()
    failing.fail = "The device was lost."
    with pytest.raises(DomainError, match=r"^A picture could not be checked: The device was lost\.$") as unchecked:
        door(classifier=failing).require(UNKNOWN, PICTURE, "A picture")
    assert unchecked.value.code is ErrorCode.SEED_CHECK_FAILED
