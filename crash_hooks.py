"""Process-wide hooks that log crashes of any thread, and a way to end a process that hangs."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_STDERR: Final = 2


def install_crash_hooks(crash_file: Path) -> Callable[[], None]:
    """Log uncaught exceptions of the main thread, other threads and finalisers. Returns a function that undoes this.

    After a fault in native code nothing else can run, so the stacks of all threads are written to `crash_file`.

    Raises:
        OSError: the file cannot be opened.
    """
    undo = ExitStack()
    undo.callback(setattr, sys, "excepthook", sys.excepthook)
    undo.callback(setattr, threading, "excepthook", threading.excepthook)
    undo.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
    stacks = undo.enter_context(crash_file.open("a", encoding="utf-8"))
    faulthandler.enable(stacks)
    undo.callback(faulthandler.disable)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread_crash
    sys.unraisablehook = _log_unraisable
    return undo.close


def exit_process_after(seconds: float, crash_file: Path) -> None:
    """End the process by force after `seconds`, and write every thread's stack to `crash_file`.

    This frees the port and the memory if a clean stop hangs. Another call replaces the earlier one. It works from a
    signal handler and while native code holds the GIL, because faulthandler's timer is a native thread.
    """
    try:
        stacks = os.open(crash_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)  # stays open until the process ends
    except OSError:
        stacks = _STDERR
    faulthandler.dump_traceback_later(seconds, exit=True, file=stacks)


def log_loop_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """An exception handler for asyncio. `context` may contain the task or callback that failed."""
    exc = context.get("exception")
    about = {key: repr(context[key]) for key in ("task", "future", "handle", "protocol") if key in context}
    message = str(context.get("message"))
    logger.error("Event loop: %s", message, exc_info=exc if isinstance(exc, BaseException) else None, **about)


def _log_uncaught(kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, exc, traceback)
        return
    logger.critical("Uncaught exception", exc_info=(kind, exc, traceback))


def _log_thread_crash(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return
    name = None if args.thread is None else args.thread.name
    exc_info = None if args.exc_value is None else (args.exc_type, args.exc_value, args.exc_traceback)
    logger.critical("A thread crashed", thread=name, exc_info=exc_info)


def _log_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    exc = unraisable.exc_value
    exc_info = None if exc is None else (unraisable.exc_type, exc, unraisable.exc_traceback)
    # Only the type of the object is logged. Calling its repr could use or revive a half-destroyed object.
    logger.error(
        "An exception could not be raised",
        during=unraisable.err_msg,
        kind=type(unraisable.object).__name__,
        exc_info=exc_info,
    )
