"""Starts a worker's process, exchanges messages with it, ends it, and explains why it ended."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import signal
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from services.torch_worker._worker_main import run_worker

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from services.torch_worker._messages import FromProcess, ToProcess
    from services.torch_worker.torch_worker import WorkerSpec

_END_PATIENCE_S: Final = 2.0


class WorkerProcess:
    """A spawned process that belongs to one thread. It ends when its connection is closed or the server exits."""

    def __init__(self, spec: WorkerSpec) -> None:
        spawning = multiprocessing.get_context("spawn")  # a fork would inherit held locks and open sockets
        self._connection, theirs = spawning.Pipe()
        level = logging.getLogger().getEffectiveLevel()
        self._process = spawning.Process(
            target=run_worker, args=(theirs, spec, level), name=f"worker {spec.name}", daemon=True
        )
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

    def send(self, message: ToProcess) -> None:
        """Send a message. If the process has ended, nothing happens here; `receive` will raise EOFError."""
        with suppress(OSError):
            self._connection.send(message)

    def wait(self, wake: Connection, timeout_s: float | None) -> None:
        """Block until a message arrives, the process ends, or `wake` has data to read."""
        wait([self._connection, self._process.sentinel, wake], timeout_s)

    def receive(self) -> FromProcess | None:
        """The next message that has arrived. None: there is none yet.

        Raises:
            EOFError: the process has ended, and all its messages were read.
        """
        try:
            if self._connection.poll():
                message: FromProcess = self._connection.recv()
                return message
        except (OSError, pickle.UnpicklingError) as error:
            raise EOFError from error
        if not self._process.is_alive() and not self._connection.poll():
            raise EOFError
        return None

    def end(self) -> None:
        """Close the connection, kill the process if it does not exit, and wait until its memory is free."""
        self._connection.close()
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
