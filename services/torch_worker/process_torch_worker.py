"""A torch worker in a spawned process, which the first call starts and one thread supervises."""

from __future__ import annotations

import contextvars
import itertools
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from services.torch_worker._call_queue import CallQueue, PendingCall
from services.torch_worker._supervisor import Supervisor
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerFault,
    WorkerSpec,
    WorkerStatus,
    WorkerStopped,
    check_plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class ProcessTorchWorker:
    """A `TorchWorker`. It has at most one process at a time, and a supervising thread while that process exists."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._calls = CallQueue()
        self._numbers = itertools.count(1)
        self._supervisor: Supervisor | None = None
        self._is_closed = False

    def submit(
        self,
        method: str,
        payload: Plain,
        *,
        timeout_s: float,
        on_progress: Callable[[Plain], None] | None = None,
    ) -> Future[Plain]:
        check_plain(payload)
        future: Future[Plain] = Future()
        context = contextvars.copy_context()
        with self._lock:
            if self._is_closed:
                future.set_exception(TorchWorkerError(WorkerFault.UNLOADED, "The server is stopping."))
                return future
            deadline = time.monotonic() + timeout_s
            self._calls.put(PendingCall(next(self._numbers), method, payload, deadline, on_progress, context, future))
            self._supervise()
        future.add_done_callback(lambda done: self._wake() if done.cancelled() else None)
        return future

    def status(self) -> WorkerStatus:
        with self._lock:
            return WorkerStopped() if self._supervisor is None else self._supervisor.status()

    def unload(self) -> None:
        with self._lock:
            supervisor = self._supervisor
            if supervisor is not None:
                supervisor.stop_soon()
        if supervisor is not None:
            supervisor.join()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self.unload()

    def _wake(self) -> None:
        """Have whoever supervises by now look at the calls."""
        with self._lock:
            supervisor = self._supervisor
        if supervisor is not None:
            supervisor.wake()

    def _supervise(self) -> None:
        """Wake the supervising thread, or start one. The caller holds the lock."""
        if self._supervisor is None:
            self._supervisor = Supervisor(self._spec, self._calls, self._retire, self._replace)
            self._supervisor.start()
        else:
            self._supervisor.wake()

    def _replace(self) -> bool:
        """Called by the supervising thread that has killed its process, before it ends.

        Whether the calls that wait are another thread's from here on, with another process.
        """
        with self._lock:
            if self._is_closed or self._supervisor is None or self._supervisor.is_stopping:
                return False
            self._supervisor = None
            if not self._calls.is_empty():
                self._supervise()
            return True

    def _retire(self, *, only_if_idle: bool) -> list[PendingCall] | None:
        """Called by the supervising thread before it ends. Returns the calls that it must still answer.

        None: with `only_if_idle` and calls waiting, the thread has to stay. Otherwise the next call starts a new one.
        """
        with self._lock:
            if only_if_idle and not self._calls.is_empty():
                return None
            self._supervisor = None
            return self._calls.take_all()
