"""What every process of the server's own does first, and how it sends."""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

FromChild = TypeVar("FromChild")

CLOSED: Final = 0  # the exit status when the server has closed the connection, which is not a failure
_PR_SET_PDEATHSIG: Final = 1  # of Linux's prctl
# How libraries word it if they have no exception type for running out of memory.
_MEMORY_PHRASES: Final = (
    *("out of memory", "not enough memory", "allocate memory", "failed to allocate"),
    "can't start new thread",  # there is no memory for its stack
)


def set_up_child(environment: Mapping[str, str], *, niceness: int) -> None:
    """Give the process its priority and variables, keep it off the server's standard output, and end it with it."""
    with suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; only the server reacts to it
    with suppress(RuntimeError, OSError, ValueError, AttributeError):  # a Python without a console has neither stream
        faulthandler.enable()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if niceness:
        with suppress(psutil.Error, OSError):
            lower = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else niceness
            psutil.Process().nice(lower)
    _end_with_parent()
    os.environ.update(environment)


def _end_with_parent() -> None:
    """Have the system kill this process when the thread that started it is gone.

    A closed connection says the same, but nobody reads it while a library computes without letting go of Python's lock.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went in between
            os._exit(CLOSED)


class Sender(Generic[FromChild]):
    """Sends messages to the server. May be used from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def tell(self, message: FromChild) -> None:
        with self._lock:
            try:
                self._connection.send(message)
            except (BrokenPipeError, ConnectionError):
                os._exit(CLOSED)


def import_function(path: str) -> Callable[..., Any]:
    """What `module:function` names. Raises whatever the import raises."""
    module, _, function = path.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine ran out of memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, without importing it
        return True
    return isinstance(error, RuntimeError | OSError | ImportError) and any(
        phrase in str(error).lower() for phrase in _MEMORY_PHRASES
    )
