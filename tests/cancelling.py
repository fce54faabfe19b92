"""Cancelling a coroutine at each of its awaits in turn."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator


class _Cancelling:
    """Runs a coroutine, and cancels its task while it is suspended for the `first`th time, and the next times after it.

    `suspensions` counts how often it was suspended.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, object], first: int, times: int) -> None:
        self._coroutine = coroutine
        self._first = first
        self._times = times
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, object]:
        steps = self._coroutine.__await__()
        error: BaseException | None = None
        value = None
        while True:
            try:
                waits_for = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value
            self.suspensions += 1
            if self._first <= self.suspensions < self._first + self._times:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                value, error = (yield waits_for), None
            except BaseException as thrown:  # noqa: BLE001 - whatever the task is thrown goes on into the coroutine
                value, error = None, thrown


async def for_each_await(
    make_coroutine: Callable[[], Coroutine[Any, Any, object]], *, times: int = 1
) -> AsyncGenerator[int]:
    """Run fresh coroutines, the n-th cancelled at its n-th await, until one completes before that.

    Yields n after each run that was cancelled, so that the caller can look at what is left. The iteration ends after
    the run that completes. With `times` of 2 or more, the task is cancelled again at the awaits that follow, those of
    its clean-up included. A run that raises anything but CancelledError raises it to the caller.
    """
    for number in count(1):
        running = _Cancelling(make_coroutine(), number, times)

        async def run(cancelling: _Cancelling = running) -> None:
            await cancelling

        try:
            await asyncio.ensure_future(run())
        except asyncio.CancelledError:
            if running.suspensions < number:  # it was not us: whoever iterates is cancelled
                raise
        if running.suspensions < number:
            return
        yield number
