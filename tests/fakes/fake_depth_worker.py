"""A torch worker without a process, whose depth network says what a test tells it to."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from services.torch_worker.torch_worker import TorchWorkerError, WorkerFault, WorkerStopped, check_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.torch_worker.torch_worker import Plain, WorkerStatus
    from services.world_engine.world_engine import Picture


class FakeDepthWorker:
    """A `TorchWorker`. `see` gives relative inverse depth, [height, width], of a small picture. The next calls fail by
    `faults`, one each."""

    def __init__(self, see: Callable[[Picture], Any], faults: tuple[WorkerFault, ...] = ()) -> None:
        self.faults = list(faults)
        self.is_closed = False
        self.calls = 0
        self._see = see

    def submit(
        self,
        method: str,
        payload: Plain,
        *,
        timeout_s: float,
        on_progress: Callable[[Plain], None] | None = None,
    ) -> Future[Plain]:
        del timeout_s, on_progress
        check_plain(payload)
        assert method == "depth"
        self.calls += 1
        future: Future[Plain] = Future()
        if self.is_closed:
            self.faults.insert(0, WorkerFault.UNLOADED)
        if self.faults:
            future.set_exception(TorchWorkerError(self.faults.pop(0), "It did not answer."))
            return future
        picture = cast("Mapping[str, Any]", payload)["picture"]
        future.set_result(np.stack([self._see(picture), self._see(picture[:, ::-1])]).astype(np.float32))
        return future

    def status(self) -> WorkerStatus:
        return WorkerStopped()

    def unload(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True
