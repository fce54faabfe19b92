"""Asynchronous work on a thread and an event loop of its own, so that it never holds up whoever plays."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")


async def on_own_loop(work: Callable[[], Coroutine[None, None, Result]], name: str) -> Result:
    """What `work` returns or raises. Where this is cancelled, the work is, and has ended when this returns."""
    outcome, stopping = Future[Result](), Future["Callable[[], None]"]()

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work())
        stopping.set_result(lambda: loop.call_soon_threadsafe(task.cancel))  # pyright: ignore[reportArgumentType] - its handle is of no use
        try:
            outcome.set_result(await task)
        except asyncio.CancelledError:
            outcome.cancel()
            outcome.set_running_or_notify_cancel()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            outcome.set_exception(error)

    thread = Thread(target=lambda: asyncio.run(main()), name=name, daemon=True)
    thread.start()
    ended = asyncio.wrap_future(outcome)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        with suppress(RuntimeError):  # its loop has just ended
            stopping.result()()
        await asyncio.wait({ended})
        raise
