"""The calls that wait for a worker's process, in the order in which they were submitted."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from services.torch_worker.torch_worker import Plain, TorchWorkerError


@dataclass(frozen=True, slots=True, eq=False)
class PendingCall:
    """A call without an answer. `deadline` is in seconds of the monotonic clock.

    `context` holds the caller's context variables, so that log events of the call carry the caller's fields.
    """

    number: int
    method: str
    payload: Plain = field(repr=False)
    deadline: float
    on_progress: Callable[[Plain], None] | None
    context: Context
    future: Future[Plain]

    def answer(self, payload: Plain) -> None:
        with suppress(InvalidStateError):  # the caller has just cancelled it
            self.future.set_result(payload)

    def fail(self, error: TorchWorkerError) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class CallQueue:
    """A first-in, first-out queue, safe to use from several threads. `take` drops cancelled calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[PendingCall] = deque()

    def put(self, call: PendingCall) -> None:
        with self._lock:
            self._calls.append(call)

    def take(self) -> PendingCall | None:
        with self._lock:
            while self._calls:
                call = self._calls.popleft()
                if not call.future.done():
                    return call
            return None

    def take_late(self, now: float) -> list[PendingCall]:
        """Remove and return the calls whose deadline has passed."""
        with self._lock:
            late = [call for call in self._calls if call.deadline <= now]
            self._calls = deque(call for call in self._calls if call.deadline > now)
            return late

    def take_all(self) -> list[PendingCall]:
        with self._lock:
            calls = list(self._calls)
            self._calls.clear()
            return calls

    def next_deadline(self) -> float | None:
        with self._lock:
            return min((call.deadline for call in self._calls), default=None)

    def is_empty(self) -> bool:
        with self._lock:
            return not any(not call.future.done() for call in self._calls)
