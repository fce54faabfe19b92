"""Stops the server when the process that started it has ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_POLL_S: Final = 2.0
_SAME_PROCESS_TOLERANCE_S: Final = 1.0  # two readings of one process's creation time may differ slightly


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Identifies a process. Systems reuse ids, but not the pair of an id and a creation time.

    `created_at` is in seconds since the Unix epoch. None: the system does not reveal it.
    """

    pid: int
    created_at: float | None


def identify(pid: int) -> ProcessIdentity | None:
    """The process that has this id now. None: there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return ProcessIdentity(pid, process.create_time())
    except psutil.AccessDenied:
        return ProcessIdentity(pid, None)
    except psutil.NoSuchProcess:
        return None


def is_alive(identity: ProcessIdentity) -> bool:
    now = identify(identity.pid)
    if now is None:
        return False
    if now.created_at is None or identity.created_at is None:
        return True
    return abs(now.created_at - identity.created_at) <= _SAME_PROCESS_TOLERANCE_S


class ParentWatchdog:
    """Checks every `poll_s` seconds whether the parent still runs.

    When it does not, `on_gone` is called on the watchdog's own thread, to begin a clean stop.
    """

    def __init__(self, parent: ProcessIdentity, on_gone: Callable[[], None], *, poll_s: float = _POLL_S) -> None:
        self._parent = parent
        self._on_gone = on_gone
        self._poll_s = poll_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="parent-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._poll_s):
            if not is_alive(self._parent):
                break
        else:
            return
        logger.warning("The parent process has ended, so the server stops", parent_pid=self._parent.pid)
        self._on_gone()
