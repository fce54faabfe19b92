"""Calls that wait for a worker's process, in the order in which they came."""

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
class Order:
    """One call. `deadline` is in seconds of the monotonic clock; `context` is that of the caller, for log events."""

    number: int
    method: str
    payload: Plain = field(repr=False)
    deadline: float
    on_progress: Callable[[Plain], None] | None
    context: Context
    future: Future[Plain]

    def answer(self, payload: Plain) -> None:
        with suppress(InvalidStateError):  # cancelled at the last moment
            self.future.set_result(payload)

    def fail(self, error: TorchWorkerError) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class OrderQueue:
    """Safe to use from several threads. Orders that were cancelled fall out when the next is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Order] = deque()

    def put(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)

    def take(self) -> Order | None:
        with self._lock:
            while self._orders:
                order = self._orders.popleft()
                if not order.future.done():
                    return order
            return None

    def take_late(self, now: float) -> list[Order]:
        """Those whose time is up."""
        with self._lock:
            late = [order for order in self._orders if order.deadline <= now]
            self._orders = deque(order for order in self._orders if order.deadline > now)
            return late

    def take_all(self) -> list[Order]:
        with self._lock:
            orders = list(self._orders)
            self._orders.clear()
            return orders

    def next_deadline(self) -> float | None:
        with self._lock:
            return min((order.deadline for order in self._orders), default=None)

    def is_empty(self) -> bool:
        with self._lock:
            return not any(not order.future.done() for order in self._orders)
