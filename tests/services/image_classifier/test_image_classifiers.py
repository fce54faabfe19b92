"""What every image classifier does: a verdict, or an error that must be taken for unsafe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierMissing,
    ClassifierReady,
    ImageClassifier,
)
from services.image_classifier.transformers_image_classifier import build_image_classifier
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.services.image_classifier.tiny_classifier import tiny_files
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.fixture(params=["real", "fake"])
def missing(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[ImageClassifier]:
    if request.param == "fake":
        yield FakeImageClassifier(status=ClassifierMissing("There is none."))
        return
    real = build_image_classifier(tiny_files(tmp_path), FakeClock(), ProcessTorchWorker)
    yield real
    real.close()


def test_a_missing_classifier_says_so_and_judges_nothing(missing: ImageClassifier) -> None:
    status = missing.status()
    assert isinstance(status, ClassifierMissing)
    assert status.reason
    with pytest.raises(ClassificationError) as caught:
        missing.is_safe(PICTURE)
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
        assert classifier.entered.wait(deadline_s())
        assert not verdict.done()
        classifier.hold.set()
        assert verdict.result(deadline_s())
