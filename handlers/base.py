"""What handlers share: AppState under its lock, waiting for changes of it, and blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from error_types import DomainError, ErrorCode
from services.caller import CALLER, Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from threading import RLock

    from state.app_state_types import AppState

Params = ParamSpec("Params")
Result = TypeVar("Result")
Handler = TypeVar("Handler", bound="StateHandler")


class StateHandler:
    """Owns no state of its own: it reads and changes AppState under the shared lock."""

    def __init__(self, state: AppState, lock: RLock) -> None:
        self._state = state
        self._lock = lock


def with_state_lock(
    method: Callable[Concatenate[Handler, Params], Result],
) -> Callable[Concatenate[Handler, Params], Result]:
    """Run a synchronous method under the state lock. Nothing slow belongs inside."""

    @wraps(method)
    def locked(self: Handler, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        with self._lock:  # pyright: ignore[reportPrivateUsage] - the decorator is part of the class's own module
            return method(self, *args, **kwargs)

    return locked


class StateChanges:
    """Lets coroutines wait for what threads or other tasks do to the state.

    Take a `mark`, look at the state, then await `after(mark)`: a change that came in between ends the wait at once.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._count = 0
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    def mark(self) -> int:
        with self._guard:
            return self._count

    async def after(self, mark: int) -> None:
        """Return once something has changed since `mark`. Who waits longest wakes first.

        What a thread had the event loop call before it announced the change has run by then.
        """
        events = asyncio.get_running_loop()
        changed = events.create_future()
        if not self._enlist(changed, events, mark):
            await asyncio.sleep(0)
            return
        try:
            await changed
        finally:
            self._dismiss(changed)

    def announce(self) -> None:
        """Wake whoever waits. Call it from any thread, after the change."""
        for changed, events in self._take_waiting().items():
            with suppress(RuntimeError):  # its loop has closed, and nobody waits there any more
                events.call_soon_threadsafe(_resolve, changed)

    def _enlist(self, changed: asyncio.Future[None], events: asyncio.AbstractEventLoop, mark: int) -> bool:
        with self._guard:
            if self._count != mark:
                return False
            self._waiting[changed] = events
            return True

    def _dismiss(self, changed: asyncio.Future[None]) -> None:
        with self._guard:
            self._waiting.pop(changed, None)

    def _take_waiting(self) -> dict[asyncio.Future[None], asyncio.AbstractEventLoop]:
        with self._guard:
            self._count += 1
            waiting, self._waiting = self._waiting, {}
            return waiting


def _resolve(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)


async def in_thread(executor: Executor, work: Callable[[], Result]) -> Result:
    """Run `work` on a thread with the caller's context variables, so that its log events stay with the session.

    Where this is cancelled, work that has not begun never does, and `CALLER` tells the rest that nobody waits for it.

    Raises:
        DomainError: the server stops, and its threads have ended.
    """
    context, caller = contextvars.copy_context(), Caller()
    context.run(CALLER.set, caller)
    try:
        working = asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(work))
    except RuntimeError as error:  # the executor is shut down
        raise DomainError("The server is stopping, and does no more work.", ErrorCode.SHUTTING_DOWN) from error
    try:
        return await working
    except asyncio.CancelledError:
        caller.leave()
        raise
