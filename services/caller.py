"""Whether somebody still waits for what a thread does, so that a wait in vain can end."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Caller:
    """Whoever awaits the work of a thread. `leave` is called once the work is no longer wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_gone = False
        self._wake: Callable[[], None] | None = None

    @property
    def is_gone(self) -> bool:
        return self._is_gone

    def leave(self) -> None:
        with self._lock:
            self._is_gone = True
            wake = self._wake
        if wake is not None:
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Generator[None]:
        """Call `wake` if the caller leaves during the block, from another thread."""
        with self._lock:
            self._wake = wake
        try:
            yield
        finally:
            with self._lock:
                self._wake = None


# Set in the context that a thread's work runs in, and so in that work alone.
CALLER: Final[ContextVar[Caller | None]] = ContextVar("caller", default=None)


def current_caller() -> Caller:
    """The caller of the work that this thread does; one who never leaves where none is known."""
    return CALLER.get() or Caller()
