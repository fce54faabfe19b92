"""The picture check with a real model of transformers, tiny, in a real process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.image_classifier.classifier_files import ClassifierFiles
from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
)
from services.image_classifier.transformers_image_classifier import (
    TransformersImageClassifier,
    build_image_classifier,
)
from services.machine import is_installed
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerFault,
    WorkerReady,
    WorkerStatus,
    WorkerStopped,
)
from tests.fakes.fake_clock import FakeClock
from tests.services.image_classifier.tiny_classifier import tiny_files, write_tiny_classifier
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from services.world_engine.world_engine import Picture

pytestmark = pytest.mark.trial

DARK = np.full((90, 160, 3), 30, dtype=np.uint8)
BRIGHT = np.full((90, 160, 3), 220, dtype=np.uint8)


@contextmanager
def classifier_of(cache_dir: Path, clock: FakeClock | None = None) -> Generator[TransformersImageClassifier]:
    made = build_image_classifier(tiny_files(cache_dir), clock or FakeClock(), ProcessTorchWorker, niceness=0)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so nobody writes there."""
    folder = tmp_path_factory.mktemp("hub")
    write_tiny_classifier(folder)
    return folder


@pytest.fixture(scope="module")
def shared(cache_dir: Path) -> Generator[TransformersImageClassifier]:
    with classifier_of(cache_dir) as made:
        yield made


def test_it_judges_by_the_cumulated_grades(shared: TransformersImageClassifier) -> None:
    status = shared.status()
    assert isinstance(status, ClassifierReady)
    assert "Freepik/nsfw_image_detector@15b85477e4fd2000db76ae9aae0f89a72f95e2e3" in status.revision
    assert shared.judge(DARK).is_safe
    assert not shared.judge(BRIGHT).is_safe
    assert shared.judge(np.full((1, 1, 3), 30, dtype=np.uint8)).is_safe


def test_two_hundred_checks_at_once_share_one_model(shared: TransformersImageClassifier) -> None:
    pictures = [BRIGHT if number % 3 == 0 else DARK for number in range(200)]

    def is_safe(picture: Picture) -> bool:
        return shared.judge(picture).is_safe

    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(is_safe, pictures))
    assert verdicts == [number % 3 != 0 for number in range(200)]


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _another_revision(folder: Path) -> None:
    folder.rename(folder.with_name("0" * 40))


def _nothing(folder: Path) -> None:
    shutil.rmtree(folder.parent.parent)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_without_weights, "in part"), (_another_revision, "another version"), (_nothing, "not on this machine")],
)
def test_without_its_files_it_says_how_to_get_them(
    tmp_path: Path, cache_dir: Path, spoil: Callable[[Path], None], words: str
) -> None:
    shutil.copytree(cache_dir, tmp_path, dirs_exist_ok=True)
    spoil(tiny_files(tmp_path).folder)
    with classifier_of(tmp_path) as classifier:
        status = classifier.status()
        assert isinstance(status, ClassifierMissing)
        assert words in status.reason
        assert "Pull it in the Models view" in status.reason
        with pytest.raises(ClassificationError, match=words):
            classifier.judge(DARK)


@pytest.mark.parametrize(("absent", "is_needed"), [("torch", True), ("transformers", True), ("timm", False)])
def test_without_its_packages_it_says_which_extras_bring_them(cache_dir: Path, absent: str, *, is_needed: bool) -> None:
    files = ClassifierFiles(cache_dir, has_package=lambda name: name != absent and is_installed(name))
    missing = files.what_is_missing()
    assert (missing is not None) is is_needed
    assert missing is None or "extras models and safety" in missing


def test_a_model_of_timm_needs_timm_and_torchvision(tmp_path: Path, cache_dir: Path) -> None:
    shutil.copytree(cache_dir, tmp_path, dirs_exist_ok=True)
    config = tiny_files(tmp_path).folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "timm_wrapper"}))
    for absent in ("timm", "torchvision"):
        missing = ClassifierFiles(tmp_path, has_package=lambda name, absent=absent: name != absent).what_is_missing()
        assert missing
        assert "timm" in missing
    assert ClassifierFiles(tmp_path, has_package=lambda _: True).what_is_missing() is None


def test_files_that_cannot_be_loaded_are_an_error_that_heals(tmp_path: Path, cache_dir: Path) -> None:
    shutil.copytree(cache_dir, tmp_path, dirs_exist_ok=True)
    (tiny_files(tmp_path).folder / "model.safetensors").write_bytes(b"no weights")
    clock = FakeClock()
    with classifier_of(tmp_path, clock) as classifier:
        with pytest.raises(ClassificationError, match="damaged") as caught:
            classifier.judge(DARK)
        assert str(tmp_path) not in str(caught.value)
        status = classifier.status()
        assert isinstance(status, ClassifierFailing)
        assert status.reason == str(caught.value)
        shutil.copytree(cache_dir, tmp_path, dirs_exist_ok=True)
        with pytest.raises(ClassificationError, match="damaged"):  # no process is started for each picture of a burst
            classifier.judge(DARK)
        clock.advance(31)
        assert classifier.judge(DARK).is_safe
        assert isinstance(classifier.status(), ClassifierReady)


class ScriptedWorker:
    """A worker whose every answer is the next of a list. `on_device` is what each call said of that."""

    def __init__(self, *answers: Plain | TorchWorkerError) -> None:
        self._answers = list(answers)
        self.calls = 0
        self.on_device: list[Plain] = []

    def submit(self, method: str, payload: Plain, *, timeout_s: float, on_progress: object = None) -> Future[Plain]:
        del method, timeout_s, on_progress
        self.calls += 1
        self.on_device.append(payload["on_device"] if isinstance(payload, dict) else None)
        future: Future[Plain] = Future()
        answer = self._answers.pop(0)
        if isinstance(answer, TorchWorkerError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def status(self) -> WorkerStatus:
        return WorkerStopped()

    def unload(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("low", "is_safe"), [(0.0, True), (0.499, True), (0.5, False), (1.0, False)])
def test_a_picture_is_safe_while_low_is_under_a_half(cache_dir: Path, low: float, *, is_safe: bool) -> None:
    worker = ScriptedWorker({"low": low, "medium": 0.0, "high": 0.0})
    assert TransformersImageClassifier(tiny_files(cache_dir), worker, FakeClock()).judge(DARK).is_safe is is_safe


@pytest.mark.parametrize("answer", [None, {}, {"low": None}, {"low": float("nan")}, [0.1], {"low": "0.1"}])
def test_an_answer_without_grades_is_an_error(cache_dir: Path, answer: Plain) -> None:
    classifier = TransformersImageClassifier(tiny_files(cache_dir), ScriptedWorker(answer), FakeClock())
    with pytest.raises(ClassificationError):
        classifier.judge(DARK)


def test_a_lack_of_memory_is_not_tried_again_at_once_and_a_death_is(cache_dir: Path) -> None:
    def run(fault: WorkerFault) -> int:
        worker = ScriptedWorker(TorchWorkerError(fault, "It failed."), {"low": 0.1})
        classifier = TransformersImageClassifier(tiny_files(cache_dir), worker, FakeClock())
        for _ in range(2):
            with suppress(ClassificationError):
                classifier.judge(DARK)
        return worker.calls

    assert run(WorkerFault.OUT_OF_MEMORY) == 1
    assert run(WorkerFault.DIED) == 2


def test_it_works_where_it_is_placed(cache_dir: Path) -> None:
    worker = ScriptedWorker({"low": 0.1}, {"low": 0.1}, {"low": 0.1})
    classifier = TransformersImageClassifier(tiny_files(cache_dir), worker, FakeClock())
    for placement in ("cpu", "resident", "cpu"):
        classifier.place(placement)
        assert classifier.judge(DARK).is_safe
    assert worker.on_device == [False, True, False]


def test_its_status_has_its_memory_and_its_placement(cache_dir: Path) -> None:
    with classifier_of(cache_dir) as classifier:
        classifier.place("resident")
        for placement in (None, "resident"):
            status = classifier.status()
            assert isinstance(status, ClassifierReady)
            assert status.memory is not None
            assert status.memory.placement == placement
            assert status.memory.size.total == (tiny_files(cache_dir).folder / "model.safetensors").stat().st_size
            assert classifier.judge(DARK).is_safe


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_is_killed_costs_one_picture(cache_dir: Path) -> None:
    from services.torch_worker.torch_worker import WorkerSpec

    options: dict[str, Any] = {"folder": str(tiny_files(cache_dir).folder), "threads": 1}
    factory = "services.image_classifier.nsfw_model:build_nsfw_model"
    worker = ProcessTorchWorker(WorkerSpec("classifier", factory, options=options, niceness=0))
    classifier = TransformersImageClassifier(tiny_files(cache_dir), worker, FakeClock())
    assert classifier.judge(DARK).is_safe
    status = worker.status()
    assert isinstance(status, WorkerReady)
    os.kill(status.pid, signal.SIGKILL)
    wait_until(lambda: worker.status() == WorkerStopped(), "its death was noticed")
    assert not _judge(classifier, BRIGHT)
    classifier.close()


def _judge(classifier: TransformersImageClassifier, picture: Picture) -> bool:
    return classifier.judge(picture).is_safe
