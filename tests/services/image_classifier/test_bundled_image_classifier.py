"""The picture check in the box: the shipped network against TensorFlow.js, and files that do not fit."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import PICTURE_CHECK_DIR, SHIPPED_SEEDS_DIR
from services.image_classifier.best_image_classifier import BestImageClassifier
from services.image_classifier.bundled_image_classifier import BundledImageClassifier, shipped_model
from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
)
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.services.image_classifier.tiny_network import write_tiny_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.image_classifier.bundled_image_classifier import BundledModel
    from services.world_engine.world_engine import Picture

DARK = np.full((90, 160, 3), 30, dtype=np.uint8)
BRIGHT = np.full((90, 160, 3), 220, dtype=np.uint8)
SEEDS = sorted(SHIPPED_SEEDS_DIR.glob("*.jpg"))

# drawing, hentai, neutral, porn, sexy: what TensorFlow.js 4 makes of these pictures with the network of nsfwjs 4.4.0,
# when they are shrunk to 224x224 by area.
REFERENCE = {
    "beach_sunset.jpg": (0.1951, 0.0006, 0.8043, 0.0000, 0.0001),
    "blossom_hill.jpg": (0.1802, 0.0222, 0.7160, 0.0627, 0.0189),
    "neon_street.jpg": (0.5636, 0.0006, 0.4358, 0.0000, 0.0000),
    "ringed_planet.jpg": (0.7933, 0.0005, 0.2063, 0.0000, 0.0000),
    "winter_track.jpg": (0.9170, 0.0065, 0.0660, 0.0100, 0.0005),
}


def read(name: str) -> Picture:
    return np.asarray(Image.open(SHIPPED_SEEDS_DIR / name).convert("RGB"))


@pytest.mark.parametrize("name", REFERENCE)
def test_the_shipped_network_answers_as_the_one_that_it_was_made_from(name: str) -> None:
    import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none

    file = shipped_model(PICTURE_CHECK_DIR).path
    session: Any = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    small = cv2.resize(read(name), (224, 224), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    (answers,) = session.run(["chances"], {"picture": small[np.newaxis]})
    assert np.allclose(answers[0], REFERENCE[name], atol=0.01)  # decoders of JPEG differ by a grey level


def test_the_shipped_network_finds_no_fault_with_the_gallery() -> None:
    classifier = BundledImageClassifier(shipped_model(PICTURE_CHECK_DIR))
    assert len(SEEDS) == 14
    assert [path.name for path in SEEDS if not classifier.judge(read(path.name)).is_safe] == []


def test_the_shipped_file_is_the_one_that_its_revision_names() -> None:
    model = shipped_model(PICTURE_CHECK_DIR)
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.sha256
    status = BundledImageClassifier(model).status()
    assert status == ClassifierReady(model.revision)
    assert "nsfwjs-4.4.0" in model.revision


def test_a_picture_is_unsafe_when_the_unsafe_kinds_together_reach_a_half(tmp_path: Path) -> None:
    classifier = BundledImageClassifier(write_tiny_network(tmp_path))
    assert classifier.judge(DARK).is_safe
    assert not classifier.judge(BRIGHT).is_safe  # no kind alone reaches it
    drawings = (1.0, 0.0, -1.0, 0.0, 0.0)
    assert BundledImageClassifier(write_tiny_network(tmp_path, brightness=drawings)).judge(BRIGHT).is_safe


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 896, 3), (2000, 20, 3), (1200, 4800, 3)])
@pytest.mark.parametrize("shade", [0, 255])
def test_pictures_of_any_shape_are_judged_as_a_whole(tmp_path: Path, shape: tuple[int, ...], shade: int) -> None:
    classifier = BundledImageClassifier(write_tiny_network(tmp_path))
    picture = np.full(shape, shade, dtype=np.uint8)
    assert classifier.judge(picture).is_safe is (shade == 0)
    assert classifier.judge(picture[::-1, ::-1]).is_safe is (shade == 0), "rows need not lie side by side"


def test_many_checks_at_once_share_one_network(tmp_path: Path) -> None:
    classifier = BundledImageClassifier(write_tiny_network(tmp_path))
    pictures = [BRIGHT if number % 3 == 0 else DARK for number in range(100)]

    def is_safe(picture: Picture) -> bool:
        return classifier.judge(picture).is_safe

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(is_safe, pictures))
    assert verdicts == [number % 3 != 0 for number in range(100)]


def test_a_closed_one_loads_again(tmp_path: Path) -> None:
    classifier = BundledImageClassifier(write_tiny_network(tmp_path))
    assert classifier.judge(DARK).is_safe
    classifier.close()
    classifier.close()
    assert not classifier.judge(BRIGHT).is_safe


def _cut(model: BundledModel) -> BundledModel:
    model.path.write_bytes(model.path.read_bytes()[:-50])
    return model


def _replaced(model: BundledModel) -> BundledModel:
    """A network that works, but is not the one that its verdicts would be remembered for."""
    write_tiny_network(model.path.parent, brightness=(0.0, 0.0, 0.0, 0.0, 0.0))
    return model


def _no_graph(model: BundledModel) -> BundledModel:
    model.path.write_bytes(b"no graph")
    return replace(model, sha256=hashlib.sha256(b"no graph").hexdigest())


@pytest.mark.parametrize(
    ("spoil", "words"), [(_cut, "damaged"), (_replaced, "damaged"), (_no_graph, "cannot load the built-in")]
)
def test_files_that_do_not_fit_judge_nothing_until_they_are_mended(
    tmp_path: Path, spoil: Callable[[BundledModel], BundledModel], words: str
) -> None:
    model = spoil(write_tiny_network(tmp_path))
    classifier = BundledImageClassifier(model)
    with pytest.raises(ClassificationError, match=words) as caught:
        classifier.judge(DARK)
    assert classifier.status() == ClassifierFailing(model.revision, str(caught.value))
    assert str(tmp_path) not in str(caught.value)
    mended = write_tiny_network(tmp_path)
    if mended.sha256 == model.sha256:
        assert classifier.judge(DARK).is_safe
        assert classifier.status() == ClassifierReady(model.revision)


@pytest.mark.parametrize(
    "darkness", [(float("nan"),) * 5, (0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 2.0, 0.0, 0.0), (0.5, 0.5)]
)
def test_an_answer_of_no_use_is_an_error(tmp_path: Path, darkness: Sequence[float]) -> None:
    brightness = (0.0,) * len(darkness)
    classifier = BundledImageClassifier(write_tiny_network(tmp_path, brightness=brightness, darkness=darkness))
    with pytest.raises(ClassificationError, match="no usable answer"):
        classifier.judge(DARK)


def test_the_large_one_judges_where_it_is_installed_and_as_soon_as_it_is() -> None:
    large = FakeImageClassifier(lambda _: False, status=ClassifierMissing("It is not installed."))
    bundled = FakeImageClassifier(status=ClassifierReady("small@1"))
    best = BestImageClassifier(large, bundled)
    assert best.status() == ClassifierReady("small@1")
    judgement = best.judge(DARK)
    assert (judgement.is_safe, judgement.revision) == (True, "small@1")
    large.become(ClassifierReady("large@1"))
    assert best.status() == ClassifierReady("large@1")
    judgement = best.judge(DARK)
    assert (judgement.is_safe, judgement.revision) == (False, "large@1")
    assert (large.calls, bundled.calls) == (1, 1)


def test_a_large_one_that_fails_is_not_replaced_by_the_small_one() -> None:
    large, bundled = FakeImageClassifier(status=ClassifierFailing("large@1", "Out of memory.")), FakeImageClassifier()
    large.fail = "Out of memory."
    best = BestImageClassifier(large, bundled)
    assert best.status() == ClassifierFailing("large@1", "Out of memory.")
    with pytest.raises(ClassificationError, match="memory"):
        best.judge(DARK)
    assert bundled.calls == 0
