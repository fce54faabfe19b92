"""Starts a process of the server's own, exchanges messages with it, ends it, and explains why it ended."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ToChild = TypeVar("ToChild")
FromChild = TypeVar("FromChild")

_END_PATIENCE_S: Final = 2.0


class ChildProcess(Generic[ToChild, FromChild]):
    """A spawned process that belongs to one thread, which must outlive it; any thread may send to it.

    `main(connection, *args)` runs there. It ends when its connection is closed, or the server has exited.
    """

    def __init__(self, name: str, main: Callable[..., None], *args: object) -> None:
        spawning = multiprocessing.get_context("spawn")  # a fork would inherit held locks and open sockets
        self._connection, theirs = spawning.Pipe()
        self._sending = threading.Lock()
        self._process = spawning.Process(target=main, args=(theirs, *args), name=name, daemon=True)
        try:
            self._process.start()
        except BaseException:  # close the pipe, whatever went wrong
            self._connection.close()
            raise
        finally:
            theirs.close()  # otherwise this process would not see the connection end

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def tell(self, message: ToChild, patience_s: float = -1) -> None:
        """Send a message. If the process has ended, nothing happens here; `receive` will raise EOFError.

        Nothing is sent if another thread still sends after `patience_s`: the process does not read.
        """
        if self._sending.acquire(timeout=patience_s):
            try:
                with suppress(OSError):
                    self._connection.send(message)
            finally:
                self._sending.release()

    def wait(self, wake: Connection, timeout_s: float | None) -> None:
        """Block until a message arrives, the process ends, or `wake` has data to read."""
        wait([self._connection, self._process.sentinel, wake], timeout_s)

    def receive(self) -> FromChild | None:
        """The next message that has arrived. None: there is none yet.

        Raises:
            EOFError: the process has ended, and all its messages were read.
        """
        try:
            if self._connection.poll():
                message: FromChild = self._connection.recv()
                return message
        except (OSError, pickle.UnpicklingError) as error:
            raise EOFError from error
        if not self._process.is_alive() and not self._connection.poll():
            raise EOFError
        return None

    def wait_for_exit(self, timeout_s: float) -> None:
        """Give a process that was told to end the time to do so."""
        self._process.join(timeout_s)

    def end(self) -> None:
        """Close the connection, kill the process if it does not exit, and wait until its memory is free."""
        if not self._sending.acquire(timeout=_END_PATIENCE_S):  # it has not read what is being sent
            self._process.kill()
            self._sending.acquire()
        try:
            self._connection.close()
        finally:
            self._sending.release()
        self._process.join(_END_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def kill(self) -> None:
        self._process.kill()

    def exit_reason(self) -> str:
        """How the process ended, as the predicate of a sentence."""
        self._process.join(_END_PATIENCE_S)
        code = self._process.exitcode
        if code is None:
            return "closed its connection"
        if code >= 0:
            return f"ended with status {code}"
        with suppress(ValueError):
            name = signal.Signals(-code).name
            hint = ", perhaps because the machine was out of memory" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
        return f"was ended by signal {-code}"


class Wake:
    """Wakes the thread that waits for a process. `reader` goes to `ChildProcess.wait`."""

    def __init__(self) -> None:
        self.reader, self._writer = multiprocessing.Pipe(duplex=False)
        self._lock = threading.Lock()

    def set(self) -> None:
        """From any thread, also after `close`."""
        with self._lock, suppress(OSError):
            if not self.reader.poll():
                self._writer.send_bytes(b".")

    def clear(self) -> None:
        with self._lock:
            while self.reader.poll():
                self.reader.recv_bytes()

    def close(self) -> None:
        with self._lock:
            self.reader.close()
            self._writer.close()
