"""What every image classifier does: a verdict, or an error that must be taken for unsafe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierMissing,
    ClassifierReady,
    ImageClassifier,
)
from services.image_classifier.unconfigured_image_classifier import UnconfiguredImageClassifier
from tests.fakes.fake_image_classifier import FakeImageClassifier

PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)
MISSING: list[ImageClassifier] = [
    UnconfiguredImageClassifier(),
    FakeImageClassifier(status=ClassifierMissing("There is none.")),
]


@pytest.mark.parametrize("classifier", MISSING, ids=["real", "fake"])
def test_a_missing_classifier_says_so_and_judges_nothing(classifier: ImageClassifier) -> None:
    status = classifier.status()
    assert isinstance(status, ClassifierMissing)
    assert status.reason.endswith(".")
    with pytest.raises(ClassificationError) as caught:
        classifier.is_safe(PICTURE)
    assert str(caught.value) == status.reason


def test_the_fake_judges_by_its_predicate() -> None:
    classifier = FakeImageClassifier(lambda picture: float(picture.mean()) < 100)
    assert isinstance(classifier.status(), ClassifierReady)
    assert classifier.is_safe(PICTURE)
    assert not classifier.is_safe(PICTURE + 200)
    assert classifier.calls == 2


def test_the_fake_can_fail_and_be_held() -> None:
    classifier = FakeImageClassifier()
    classifier.fail = "The device was lost."
    with pytest.raises(ClassificationError, match="device"):
        classifier.is_safe(PICTURE)
    classifier.fail, classifier.hold = None, threading.Event()
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(classifier.is_safe, PICTURE)
        assert classifier.entered.wait(10)
        assert not verdict.done()
        classifier.hold.set()
        assert verdict.result(10)
