"""Running blocking work beside the event loop, and finishing what must not be left half done."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, TypeVar

from services.caller import CALLER, Caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

Result = TypeVar("Result")


async def in_thread(executor: Executor, work: Callable[[], Result]) -> Result:
    """Run `work` on a thread with the caller's context variables, so that its log events stay with the session.

    Where this is cancelled, work that has not begun never does, and `CALLER` tells the rest that nobody waits for it.
    """
    context, caller = contextvars.copy_context(), Caller()
    context.run(CALLER.set, caller)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(work))
    except asyncio.CancelledError:
        caller.leave()
        raise


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
