"""What a crash leaves behind: an event in the logs, and its reason in the crash log in the data folder."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import traceback
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


def install_crash_hooks(crash_file: Path) -> Callable[[], None]:
    """Report uncaught exceptions of the main thread, other threads and finalisers. Returns a function that undoes this.

    The logs get all of them, with the path of `crash_file`. The file gets what ends the process or a thread. After a
    fault in native code nothing else can run, so the stacks of all threads are written to the file. What an earlier
    run has left there is put aside, and the logs say where it is.

    Raises:
        OSError: the file cannot be opened.
    """
    _put_earlier_aside(crash_file)
    undo = ExitStack()
    undo.callback(setattr, sys, "excepthook", sys.excepthook)
    undo.callback(setattr, threading, "excepthook", threading.excepthook)
    undo.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
    stacks = undo.enter_context(open(crash_file, "a", encoding="utf-8", opener=_open_private))  # noqa: SIM115 - the stack closes it
    faulthandler.enable(stacks)
    undo.callback(faulthandler.disable)
    hooks = _Hooks(crash_file)
    sys.excepthook = hooks.report_uncaught
    threading.excepthook = hooks.report_thread
    sys.unraisablehook = _log_unraisable
    logger.info("A crash would leave its reason in the crash log", crash_log=str(crash_file))
    return undo.close


def log_loop_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """An exception handler for asyncio. `context` may contain the task or callback that failed."""
    exc = context.get("exception")
    about = {key: repr(context[key]) for key in ("task", "future", "handle", "protocol") if key in context}
    message = str(context.get("message"))
    logger.error("Event loop: %s", message, exc_info=exc if isinstance(exc, BaseException) else None, **about)


class _Hooks:
    def __init__(self, crash_file: Path) -> None:
        self._file = crash_file

    def report_uncaught(self, kind: type[BaseException], exc: BaseException, at: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, exc, at)
            return
        self._write("The server crashed", exc)
        logger.critical("Uncaught exception", crash_log=str(self._file), exc_info=(kind, exc, at))

    def report_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit:
            return
        name = None if args.thread is None else args.thread.name
        exc_info = None
        if args.exc_value is not None:
            exc_info = (args.exc_type, args.exc_value, args.exc_traceback)
            self._write(f"The thread {name!r} crashed", args.exc_value)
        logger.critical("A thread crashed", thread=name, crash_log=str(self._file), exc_info=exc_info)

    def _write(self, what: str, exc: BaseException) -> None:
        now = datetime.now(tz=UTC).astimezone().isoformat(timespec="seconds")
        text = f"{now} {what}:\n{''.join(traceback.format_exception(exc))}\n"
        # The logs have the exception as well. A full disk must not replace it by another one.
        with suppress(OSError), open(self._file, "a", encoding="utf-8", opener=_open_private) as file:
            file.write(text)


def _put_earlier_aside(crash_file: Path) -> None:
    """An empty file means that nothing has crashed.

    Raises:
        OSError: the file cannot be renamed.
    """
    if not crash_file.exists() or crash_file.stat().st_size == 0:
        return
    aside = crash_file.with_suffix(f".earlier{crash_file.suffix}")
    crash_file.replace(aside)
    logger.warning("The server crashed when it last ran, or had to be ended", crash_log=str(aside))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
