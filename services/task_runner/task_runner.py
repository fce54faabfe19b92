"""The interface of task runners: slow work in the background, with one place that logs its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class TaskRunner(Protocol):
    def submit(
        self,
        task_name: str,
        work: Callable[[], None],
        *,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Start `work` with the caller's context variables, and return at once.

        If `work` raises, the task runner logs the exception once, with its traceback. Then it calls `on_error` on the
        same thread, so that the caller can update its state.

        Raises:
            RuntimeError: the task runner is closed.
        """
        ...

    def close(self, timeout_s: float) -> None:
        """Accept no more work, and wait at most `timeout_s` seconds for running tasks. Idempotent."""
        ...
