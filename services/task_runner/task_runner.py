"""What a task runner is: slow work beside the requests, with one owner for its failures."""

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
        """Start `work` now, in the caller's context variables, and return at once.

        An exception that leaves `work` is logged here, once, with its traceback; then `on_error` gets it, on the same
        thread, for the change of state that follows.

        Raises:
            RuntimeError: after `close`.
        """
        ...

    def close(self, timeout_s: float) -> None:
        """Take no more work, and wait for what runs, at most `timeout_s` seconds. Idempotent."""
        ...
