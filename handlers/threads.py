"""Running blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

Result = TypeVar("Result")


async def in_thread(executor: Executor, work: Callable[[], Result]) -> Result:
    """Run `work` on a thread with the caller's context variables, so that its log events stay with the session."""
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: run(work))


async def unstoppable(work: Awaitable[Result], *, undo: Callable[[Result], Awaitable[None]]) -> Result:
    """Await work that cannot be stopped halfway. Cancellations, however many, wait for its end; then it is undone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if task.exception() is None:
            await undo(task.result())
        raise
