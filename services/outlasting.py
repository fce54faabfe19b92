"""Work that goes on however often whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


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


async def outlast(task: asyncio.Future[Result], *, when_cancelled: Callable[[], None] = lambda: None) -> bool:
    """Wait until `task` is done; whether the caller was cancelled meanwhile, each time with a call."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
            when_cancelled()
    return cancelled
