"""Running blocking work beside the event loop, and finishing what must not be left half done."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

Result = TypeVar("Result")


async def in_thread(executor: Executor, work: Callable[[], Result]) -> Result:
    """Run `work` on a thread with the caller's context variables, so that its log events stay with the session."""
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: run(work))


async def unstoppable(work: Awaitable[Result], *, undo: Callable[[Result], Awaitable[None]] | None = None) -> Result:
    """Await work that must not stop halfway, however often the caller is cancelled.

    A cancellation is passed on once the work has ended and `undo` has taken back its result.
    """
    task = asyncio.ensure_future(work)
    if not await outlast(task):
        return task.result()
    if not task.cancelled() and task.exception() is None and undo is not None:
        await outlast(asyncio.ensure_future(undo(task.result())))
    raise asyncio.CancelledError


async def outlast(task: asyncio.Future[Result]) -> bool:
    """Wait until `task` is done; whether the caller was cancelled meanwhile."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
