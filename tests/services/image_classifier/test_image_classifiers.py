"""What every image classifier does: a verdict, or an error that must be taken for unsafe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.image_classifier.best_image_classifier import BestImageClassifier
from services.image_classifier.bundled_image_classifier import BundledImageClassifier, shipped_model
from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierMissing,
    ClassifierReady,
    ImageClassifier,
    Judgement,
)
from services.image_classifier.transformers_image_classifier import build_image_classifier
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.services.image_classifier.tiny_classifier import tiny_files
from tests.services.image_classifier.tiny_network import write_tiny_network
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.fixture(params=["large", "bundled", "best", "fake"])
def missing(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[ImageClassifier]:
    large = build_image_classifier(tiny_files(tmp_path), FakeClock(), ProcessTorchWorker)
    bundled = BundledImageClassifier(shipped_model(tmp_path))
    none = {
        "large": large,
        "bundled": bundled,
        "best": BestImageClassifier(large, bundled),
        "fake": FakeImageClassifier(status=ClassifierMissing("There is none.")),
    }
    yield none[request.param]
    large.close()


@pytest.fixture(params=["bundled", "best", "fake"])
def by_brightness(request: pytest.FixtureRequest, tmp_path: Path) -> ImageClassifier:
    """It finds dark pictures safe. The large one, which does the same, has tests of its own: it starts a process."""
    absent = FakeImageClassifier(status=ClassifierMissing("There is none."))
    bundled = BundledImageClassifier(write_tiny_network(tmp_path))
    found: dict[str, ImageClassifier] = {
        "bundled": bundled,
        "best": BestImageClassifier(absent, bundled),
        "fake": FakeImageClassifier(lambda picture: float(picture.mean()) < 100),
    }
    return found[request.param]


def test_a_missing_classifier_says_so_and_judges_nothing(missing: ImageClassifier) -> None:
    status = missing.status()
    assert isinstance(status, ClassifierMissing)
    assert status.reason
    with pytest.raises(ClassificationError) as caught:
        missing.judge(PICTURE)
    assert str(caught.value) == status.reason


def test_a_judgement_names_the_revision_that_the_status_has(by_brightness: ImageClassifier) -> None:
    status = by_brightness.status()
    assert isinstance(status, ClassifierReady)
    assert by_brightness.judge(PICTURE) == Judgement(is_safe=True, revision=status.revision)
    assert by_brightness.judge(PICTURE + 200) == Judgement(is_safe=False, revision=status.revision)


def test_placing_and_closing_change_no_verdict(by_brightness: ImageClassifier) -> None:
    by_brightness.place("resident")
    assert by_brightness.judge(PICTURE).is_safe
    by_brightness.close()
    by_brightness.close()


def test_the_fake_can_fail_and_be_held() -> None:
    classifier = FakeImageClassifier()
    classifier.fail = "The device was lost."
    with pytest.raises(ClassificationError, match="device"):
        classifier.judge(PICTURE)
    classifier.fail, classifier.hold = None, threading.Event()
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(classifier.judge, PICTURE)
        assert classifier.entered.wait(deadline_s())
        assert not verdict.done()
        classifier.hold.set()
        assert verdict.result(deadline_s()).is_safe
