"""The picture check: a model of transformers in a worker's process, and the rule that turns its grades to a verdict."""

from __future__ import annotations

import math
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
    ClassifierStatus,
    Judgement,
)
from services.memory_planner.model_memory import ModelMemory, Placement
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorker,
    TorchWorkerError,
    WorkerFault,
    WorkerSpec,
    WorkerStopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.clock.clock import Clock
    from services.image_classifier.classifier_files import ClassifierFiles
    from services.world_engine.world_engine import Picture

_LOW_LIMIT: Final = 0.5  # a picture is unsafe from this probability on of being at least "low"
_CHECK_LIMIT_S: Final = 120.0  # for one check, with loading and the checks before it
_IDLE_S: Final = 900.0  # then the model is unloaded
_RETRY_S: Final = 30.0  # after a failed load, as each try starts a process and takes seconds
_THREADS: Final = 1
_NICENESS: Final = 5  # worlds that run on the CPU come first
_PICTURE_BYTES: Final = 512 << 20  # memory for checking one picture, besides copies of weights
_LOADING_FAULTS: Final = frozenset({WorkerFault.LOAD_FAILED, WorkerFault.OUT_OF_MEMORY})


class TransformersImageClassifier:
    """An `ImageClassifier`. The model is loaded by the first picture."""

    def __init__(self, files: ClassifierFiles, worker: TorchWorker, clock: Clock) -> None:
        self._files = files
        self._worker = worker
        self._clock = clock
        self._revision = f"{files.model_id}@{files.revision} low<{_LOW_LIMIT}"
        self._lock = threading.Lock()
        self._failure: TorchWorkerError | None = None
        self._no_try_before = 0.0
        self._placement: Placement = "cpu"

    def status(self) -> ClassifierStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return ClassifierMissing(missing)
        with self._lock:
            failure, placement = self._failure, self._placement
        memory = self._memory(placement)
        if failure is not None:
            return ClassifierFailing(self._revision, str(failure), memory)
        return ClassifierReady(self._revision, memory)

    def place(self, placement: Placement) -> None:
        with self._lock:
            self._placement = placement

    def judge(self, picture: Picture) -> Judgement:
        missing = self._files.what_is_missing()
        if missing is not None:
            raise ClassificationError(missing)
        self._refuse_after_failed_load()
        order: Plain = {"picture": picture, "on_device": self._placement == "resident"}
        try:
            grades = self._worker.submit("judge", order, timeout_s=_CHECK_LIMIT_S).result()
        except CancelledError as error:
            raise ClassificationError("The check was cancelled.") from error
        except TorchWorkerError as error:
            self._note(error)
            raise ClassificationError(str(error)) from error
        verdict = _is_safe(grades)
        self._note(None)
        return Judgement(verdict, self._revision)

    def close(self) -> None:
        self._worker.close()

    def _memory(self, placement: Placement) -> ModelMemory | None:
        try:
            size = self._files.size()
        except OSError:  # the file was removed a moment ago
            return None
        is_running = not isinstance(self._worker.status(), WorkerStopped)
        work = size.total + _PICTURE_BYTES
        return ModelMemory(size, work, ("resident", "cpu"), placement if is_running else None)

    def _refuse_after_failed_load(self) -> None:
        with self._lock:
            if self._failure is not None and self._clock.monotonic() < self._no_try_before:
                raise ClassificationError(str(self._failure))

    def _note(self, failure: TorchWorkerError | None) -> None:
        with self._lock:
            self._failure = failure
            if failure is not None and failure.fault in _LOADING_FAULTS:
                self._no_try_before = self._clock.monotonic() + _RETRY_S


def build_image_classifier(
    files: ClassifierFiles, clock: Clock, start: Callable[[WorkerSpec], TorchWorker], *, niceness: int = _NICENESS
) -> TransformersImageClassifier:
    """It gets a worker of its own, so that a crash in another model costs no verdict."""
    spec = WorkerSpec(
        name="image classifier",
        factory="services.image_classifier.nsfw_model:build_nsfw_model",
        options={"folder": str(files.folder), "threads": _THREADS},
        threads=_THREADS,
        niceness=niceness,
        idle_s=_IDLE_S,
    )
    return TransformersImageClassifier(files, start(spec), clock)


def _is_safe(grades: Plain) -> bool:
    """Raises: ClassificationError, the model's answer holds no usable grades."""
    low = grades.get("low") if isinstance(grades, dict) else None
    if not isinstance(low, float) or not math.isfinite(low):
        raise ClassificationError("The picture check gave no usable answer.")
    return low < _LOW_LIMIT
