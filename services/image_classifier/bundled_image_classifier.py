"""The picture check in the box: a small network on ONNX Runtime, whose weights are part of the server.

The network is a MobileNetV2 of nsfwjs (`assets/picture_check/README.md`). It tells five kinds of pictures apart, and
three of them are not for everybody.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import structlog

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierFailing,
    ClassifierMissing,
    ClassifierReady,
    ClassifierStatus,
    Judgement,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from services.memory_planner.model_memory import Placement
    from services.world_engine.world_engine import Picture

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

FILE_NAME: Final = "mobilenet_v2_mid.onnx"
_NAME: Final = "nsfwjs-4.4.0/mobilenet_v2_mid"
_SHA256: Final = "d0ce3c80c71be6f2d9d9d03b46b2bf4ceece4dd3afed474ae2c94d9f591eadb6"
KINDS: Final = ("drawing", "hentai", "neutral", "porn", "sexy")  # the network's outputs, in their order
_UNSAFE: Final = ("hentai", "porn", "sexy")
_LIMIT: Final = 0.5  # a picture is unsafe from this probability on of being one of those
_SIDE: Final = 224  # pixels; the network looks at a square
_SUM_TOLERANCE: Final = 0.01  # probabilities sum to one
_DAMAGED: Final = "The weights of the built-in picture check are damaged. Install Terrarium again."


@dataclass(frozen=True, slots=True)
class BundledModel:
    """`sha256` (hex) is of the file at `path`; `name` says which network it is, with its version."""

    path: Path
    name: str
    sha256: str

    @property
    def revision(self) -> str:
        return f"{self.name}@{self.sha256[:12]} {'+'.join(_UNSAFE)}<{_LIMIT}"


def shipped_model(folder: Path) -> BundledModel:
    """The network that `scripts/convert_picture_check.py` put into `folder`."""
    return BundledModel(folder / FILE_NAME, _NAME, _SHA256)


class BundledImageClassifier:
    """An `ImageClassifier`. The network is loaded by the first picture and stays.

    It looks at one picture at a time, on one thread, so that worlds on the CPU keep the other cores.
    """

    def __init__(self, model: BundledModel) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._session: Any = None  # onnxruntime is untyped
        self._failure: str | None = None

    def status(self) -> ClassifierStatus:
        if not self._model.path.is_file():
            return ClassifierMissing(_DAMAGED)
        failure = self._failure
        if failure is not None:
            return ClassifierFailing(self._model.revision, failure)
        return ClassifierReady(self._model.revision)

    def place(self, placement: Placement) -> None:
        """It always works on the CPU: a picture takes some ten milliseconds there."""

    def judge(self, picture: Picture) -> Judgement:
        look = _network_input(picture)
        with self._lock:
            try:
                unsafe = self._chance_of_unsafe(look)
            except ClassificationError as error:
                self._failure = str(error)
                raise
            self._failure = None
        return Judgement(unsafe < _LIMIT, self._model.revision)

    def features(self, picture: Picture) -> NDArray[np.float64]:
        """What the network sees in a picture before it judges: one number for each of its features.

        Raises:
            ClassificationError: the network cannot be loaded, or cannot look at this picture.
        """
        look = _network_input(picture)
        with self._lock:
            return self._seen(look, "features")

    def close(self) -> None:
        with self._lock:
            self._session = None

    def _seen(self, look: NDArray[np.float32], output: str) -> NDArray[np.float64]:
        if self._session is None:
            self._session = _load(self._model)
        try:
            (answers,) = self._session.run([output], {"picture": look})
        except Exception as error:  # the runtime's exceptions share no base class
            raise ClassificationError("The built-in picture check could not look at this picture.") from error
        return np.asarray(answers, dtype=np.float64).ravel()

    def _chance_of_unsafe(self, look: NDArray[np.float32]) -> float:
        chances = self._seen(look, "chances")
        if chances.shape != (len(KINDS),) or not abs(float(chances.sum()) - 1) < _SUM_TOLERANCE:  # false for NaN
            raise ClassificationError("The built-in picture check gave no usable answer.")
        return sum(float(chance) for kind, chance in zip(KINDS, chances, strict=True) if kind in _UNSAFE)


def _load(model: BundledModel) -> Any:
    """A session of ONNX Runtime. Raises: ClassificationError."""
    import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it has none; imported only once a picture is checked

    try:
        weights = model.path.read_bytes()
    except OSError as error:
        raise ClassificationError(_DAMAGED) from error
    if hashlib.sha256(weights).hexdigest() != model.sha256:
        raise ClassificationError(_DAMAGED)
    options: Any = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions share no base class
        message = f"ONNX Runtime {onnxruntime.__version__} cannot load the built-in picture check."
        raise ClassificationError(message) from error
    logger.info("The built-in picture check is loaded", model=model.name)
    return session


def _network_input(picture: Picture) -> NDArray[np.float32]:
    """The whole picture as a square, [1, side, side, 3] of 0..1: the network was trained on pictures squeezed so.

    Each pixel of the square is the mean of what it covers, so that no detail is skipped.
    """
    is_larger = min(picture.shape[:2]) >= _SIDE
    square = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if is_larger else cv2.INTER_LINEAR)
    return np.divide(square, 255, dtype=np.float32)[np.newaxis]
