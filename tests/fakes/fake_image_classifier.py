"""A classifier whose verdict is a predicate on the picture."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from services.image_classifier.image_classifier import (
    ClassificationError,
    ClassifierMissing,
    ClassifierReady,
    ClassifierStatus,
    Judgement,
)
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.memory_planner.model_memory import Placement
    from services.world_engine.world_engine import Picture

HOLD_LIMIT_S = deadline_s()  # a test that forgets to let go fails instead of hanging


def _everything(picture: Picture) -> bool:
    del picture
    return True


class FakeImageClassifier:
    """Set `fail` to make the next calls raise, `hold` to keep them inside `judge` until the event is set.

    `entered` is set as soon as a call is inside. `placements` are what it was told.
    """

    def __init__(
        self, verdict: Callable[[Picture], bool] = _everything, *, status: ClassifierStatus | None = None
    ) -> None:
        self._verdict = verdict
        self._status = status or ClassifierReady(revision="fake-1")
        self._lock = threading.Lock()
        self.fail: str | None = None
        self.fail_status: BaseException | None = None
        self.hold: threading.Event | None = None
        self.entered = threading.Event()
        self.calls = 0
        self.placements: list[Placement] = []

    def become(self, status: ClassifierStatus) -> None:
        self._status = status

    def status(self) -> ClassifierStatus:
        if self.fail_status is not None:
            raise self.fail_status
        return self._status

    def place(self, placement: Placement) -> None:
        self.placements.append(placement)

    def judge(self, picture: Picture) -> Judgement:
        with self._lock:
            self.calls += 1
        status = self._status
        if isinstance(status, ClassifierMissing):
            raise ClassificationError(status.reason)
        self.entered.set()
        if self.hold is not None and not self.hold.wait(HOLD_LIMIT_S):
            raise ClassificationError("The test never let go of the classifier.")
        if self.fail is not None:
            raise ClassificationError(self.fail)
        return Judgement(self._verdict(picture), status.revision)

    def close(self) -> None:
        pass
