"""Stops the server when the process that started it is gone."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_POLL_S: Final = 2.0
_GRACE_S: Final = 5.0
_SAME_PROCESS_TOLERANCE_S: Final = 1.0  # the creation time of one process can be read back slightly different


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process for good: ids are used again, an id and a creation time are not.

    `created_at`: seconds since the Unix epoch; None where the system does not tell.
    """

    pid: int
    created_at: float | None


def identify(pid: int) -> ProcessIdentity | None:
    """The process that has this id now; None when there is none."""
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
    """Asks every two seconds. `on_gone` begins a clean stop; if the process still runs 5 s later, `hard_exit` ends it.

    Both are called from the watchdog's own thread.
    """

    def __init__(
        self,
        parent: ProcessIdentity,
        on_gone: Callable[[], None],
        *,
        hard_exit: Callable[[], None] = lambda: os._exit(1),
        poll_s: float = _POLL_S,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._parent = parent
        self._on_gone = on_gone
        self._hard_exit = hard_exit
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="parent-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cease watching; a pending hard exit is called off."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._poll_s):
            if not is_alive(self._parent):
                break
        else:
            return
        logger.warning("The parent process is gone: stopping", parent_pid=self._parent.pid)
        self._on_gone()
        if not self._stopped.wait(self._grace_s):
            self._hard_exit()
