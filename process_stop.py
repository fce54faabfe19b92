"""How the process is asked to stop from its first line on, and how it ends.

Until there is a server, a signal only sets a flag, which the start checks between its steps. An exception raised by a
signal handler could pass through native code, which may abort the process.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType
    from typing import NoReturn

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # each system has some of them
_STOP_S: Final = 5.0
_TICK_S: Final = 0.005
_TICK_COUNTS_S: Final = 0.010  # at most; the process did not run for the rest
_FROZEN_S: Final = 10.0
_REARM_S: Final = 1.0
_STDERR: Final = 2
_INTERRUPTED: Final = 130


def has_terminal() -> bool:
    """Whether the process belongs to a terminal, whose end it is told of by SIGHUP. Services have none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True


class StopAskedError(Exception):
    """A stop was asked for before there was a server to tell."""


class ProcessStop:
    """Listens for the signals that ask for a stop, and ends the process if the stop does not come to its end.

    A stop's time is counted while the process runs. A process that the system pauses again and again therefore has as
    much of it as any other. The main thread makes the one object of this class that a process has.
    """

    def __init__(self, limit_s: float = _STOP_S) -> None:
        self._asked: int | None = None
        self._reload: Callable[[], None] | None = None
        self._is_reload_asked = False
        self._handler: Callable[[int, FrameType | None], None] | None = None
        self._signals = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        # Of a terminal, SIGHUP says that it is gone. Where there is none, nothing can be gone: it asks to reload then.
        self._reloading = None if has_terminal() else getattr(signal, "SIGHUP", None)
        self._left_s = limit_s
        self._stacks = _STDERR
        # Python's handling of signals writes here at once, even while the main thread is in native code.
        self._waker, self._wake = socket.socketpair()
        self._wake.settimeout(0)  # its writers must not wait
        self._thread = threading.Thread(target=self._watch, name="stop-watchdog", daemon=True)

    def listen(self) -> None:
        """Handle the signals from here to the end of the process."""
        for number in self._signals:
            # `nohup` starts a program with SIGHUP ignored, so that it outlives its terminal. A shell script starts what
            # it runs in the background with SIGINT ignored, too; who sends that to a server by name still means it.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._thread.start()

    def check(self) -> None:
        """Called between the steps of the start.

        Raises:
            StopAskedError: a signal has asked for a stop.
        """
        if self._asked is not None:
            raise StopAskedError

    def hand_over(
        self, handler: Callable[[int, FrameType | None], None], reload: Callable[[], None] = lambda: None
    ) -> None:
        """Have `handler` called with the signals from here on, and now with the one that has come already.

        `reload` is called for SIGHUP instead, where the process has no terminal.
        """
        self._handler, self._reload = handler, reload
        if self._asked is not None:
            handler(self._asked, None)
        if self._is_reload_asked:
            reload()

    def write_stacks_to(self, file: Path) -> None:
        """Append the stacks of all threads to `file` if a stop has to be cut short. By default they go to stderr."""
        with suppress(OSError):
            # The descriptor stays open until the process ends.
            self._stacks = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def end_within(self, seconds: float) -> None:
        """End the process by force after it has run for `seconds` more. A later call replaces an earlier one.

        May be called from any thread and from a signal handler.
        """
        self._left_s = seconds
        self._begin_countdown()

    def leave(self, status: int) -> NoReturn:
        """End the process without the interpreter's teardown. Whatever has to be closed must be closed already.

        Daemon threads may still be in native code, for example to load a model. The interpreter's teardown unwinds
        such a thread's stack when it returns to Python. C++ code on that stack answers with `std::terminate`, so
        that a clean stop would end with SIGABRT.
        """
        for stream in (sys.stdout, sys.stderr):
            # A windowed Python has no streams, and their reader may be gone.
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(status)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == self._reloading:
            self._is_reload_asked = True
            if self._reload is not None:
                self._reload()
        elif self._handler is not None:
            self._handler(number, frame)
        elif self._asked is not None and number == signal.SIGINT:
            self.leave(_INTERRUPTED)
        else:
            self._asked = number

    def _begin_countdown(self) -> None:
        with suppress(BlockingIOError):  # full of earlier requests: the countdown runs
            self._wake.send(b"\0")

    def _watch(self) -> None:
        wanted = {0, *self._signals} - {self._reloading}
        while self._waker.recv(1)[0] not in wanted:
            pass  # a signal that somebody else handles
        last, armed = time.monotonic(), 0.0
        while self._left_s > 0:
            if last - armed > _REARM_S:
                # Its timer is native. It ends the process if native code keeps this thread from running.
                faulthandler.dump_traceback_later(_FROZEN_S, exit=True, file=self._stacks)
                armed = last
            time.sleep(_TICK_S)
            now = time.monotonic()
            self._left_s -= min(now - last, _TICK_COUNTS_S)
            last = now
        faulthandler.cancel_dump_traceback_later()
        self._cut_short()

    def _cut_short(self) -> NoReturn:
        if self._handler is None:
            os._exit(0)  # it was still starting, and nothing is open that a sudden end could leave half done
        with suppress(OSError):
            os.write(self._stacks, b"The stop took too long and was cut short. This is what the threads did:\n")
            faulthandler.dump_traceback(self._stacks, all_threads=True)
        os._exit(1)
