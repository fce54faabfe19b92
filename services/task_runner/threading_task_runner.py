"""Runs each background task on a thread of its own."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ThreadingTaskRunner:
    """A `TaskRunner` for few and long tasks, such as loading models.

    The threads are daemons, so a task that hangs in a library delays the server's stop by `close`'s timeout at most.
    """

    def __init__(self, log_exception: Callable[[str, BaseException], None]) -> None:
        """`log_exception(task_name, error)` logs a failure with its traceback."""
        self._log_exception = log_exception
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def submit(
        self,
        task_name: str,
        work: Callable[[], None],
        *,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._run, task_name, work, on_error), name=task_name, daemon=True
        )
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"The task {task_name!r} came after the task runner was closed.")
            self._threads.add(thread)
            try:
                thread.start()
            except BaseException:  # the machine cannot start another thread
                self._threads.discard(thread)
                raise

    def close(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._lock:
            self._is_closed = True
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, task_name: str, work: Callable[[], None], on_error: Callable[[BaseException], None] | None) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - this is the boundary of the task
            self._fail(task_name, error, on_error)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _fail(self, task_name: str, error: BaseException, on_error: Callable[[BaseException], None] | None) -> None:
        try:
            self._log_exception(task_name, error)
        finally:  # the caller must learn of the failure even if logging fails
            if on_error is not None:
                self._report(task_name, error, on_error)

    def _report(self, task_name: str, error: BaseException, on_error: Callable[[BaseException], None]) -> None:
        try:
            on_error(error)
        except BaseException as second:  # noqa: BLE001 - the same boundary
            self._log_exception(task_name, second)
