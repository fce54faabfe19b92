"""The process itself: starting it, talking to it, ending it, and what its end means."""

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
    """A spawned process, for one thread to hold. Whatever happens to that thread or to this process, it ends too."""

    def __init__(self, spec: WorkerSpec) -> None:
        spawning = multiprocessing.get_context("spawn")  # a fork would inherit threads' locks and the sockets
        self._connection, theirs = spawning.Pipe()
        level = logging.getLogger().getEffectiveLevel()
        self._process = spawning.Process(
            target=run_worker, args=(theirs, spec, level), name=f"worker {spec.name}", daemon=True
        )
        try:
            self._process.start()
        except BaseException:  # whatever ends this, the pipe is closed
            self._connection.close()
            raise
        finally:
            theirs.close()  # so that its end is noticed here

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def send(self, message: ToProcess) -> None:
        """A process that is gone takes nothing; `receive` tells."""
        with suppress(OSError):
            self._connection.send(message)

    def wait(self, wake: Connection, timeout_s: float | None) -> None:
        """Until it says something, ends, or `wake` has something to read."""
        wait([self._connection, self._process.sentinel, wake], timeout_s)

    def receive(self) -> FromProcess | None:
        """The next message that has arrived; None when there is none.

        Raises:
            EOFError: it is gone, and there will be none.
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
        """Let it end, kill it if it does not, and wait until its memory is back."""
        self._connection.close()
        self._process.join(_END_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def kill(self) -> None:
        self._process.kill()

    def exit_reason(self) -> str:
        """How it ended, in words."""
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
