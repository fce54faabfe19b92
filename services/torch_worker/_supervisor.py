"""The thread that supervises a worker's process: it sends calls, enforces deadlines and notices the process's end."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeAlias, assert_never

import structlog

from services.child_process.child_process import ChildProcess, Wake
from services.child_process.log_relay import Logged, log_relayed
from services.torch_worker._messages import (
    Answered,
    Call,
    Cancel,
    Cancelled,
    Failed,
    FromProcess,
    Loaded,
    LoadFailed,
    Progressed,
    ToProcess,
)
from services.torch_worker._worker_main import run_worker
from services.torch_worker.torch_worker import (
    TorchWorkerError,
    WorkerDiedError,
    WorkerFault,
    WorkerLoading,
    WorkerReady,
    WorkerSpec,
    WorkerStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.torch_worker._call_queue import CallQueue, PendingCall
    from services.torch_worker.torch_worker import Plain

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


WorkerProcess: TypeAlias = "ChildProcess[ToProcess, FromProcess]"


class Retire(Protocol):
    """Called before the thread ends. Returns the calls that remain for it to answer, or None if it has to stay."""

    def __call__(self, *, only_if_idle: bool) -> list[PendingCall] | None: ...


class Supervisor:
    """Supervises one process from its start to its end, and answers every call in the queue until then.

    A process that did not let go of its call is killed. That is no fault of the calls that wait behind it: `replace`
    has another process take them, unless it answers False.
    """

    def __init__(self, spec: WorkerSpec, calls: CallQueue, retire: Retire, replace: Callable[[], bool]) -> None:
        self._spec = spec
        self._calls = calls
        self._retire = retire
        self._replace = replace
        self._wake = Wake()
        self._is_stopping = threading.Event()
        self._status: WorkerStatus = WorkerLoading(None)
        self._thread = threading.Thread(target=self._run, name=f"worker-{spec.name}", daemon=True)
        # Only the thread uses what follows.
        self._call: PendingCall | None = None
        self._kill_at: float | None = None  # the process was told to cancel its call, and is killed at this time
        self._load_until: float | None = time.monotonic() + spec.load_limit_s
        self._idle_since = time.monotonic()
        self._failure: TorchWorkerError | None = None
        self._is_retired = False
        self._has_killed = False

    def start(self) -> None:
        self._thread.start()

    def status(self) -> WorkerStatus:
        return self._status

    def wake(self) -> None:
        """Make the thread check for new and for cancelled calls."""
        self._wake.set()

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping.is_set()

    def stop_soon(self) -> None:
        """Have the process end. Unanswered calls fail."""
        self._is_stopping.set()
        self.wake()

    def join(self) -> None:
        """Wait until the process has exited."""
        self._thread.join()

    # ------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._supervise()
        except Exception as error:  # whatever it is, the waiting calls must be answered
            logger.exception("A worker's process could not be supervised", worker=self._spec.name, exc_info=error)
            self._failure = TorchWorkerError(WorkerFault.LOAD_FAILED, "The process of the model could not be started.")
        finally:
            self._fail_remaining()

    def _supervise(self) -> None:
        level = logging.getLogger().getEffectiveLevel()
        process: WorkerProcess = ChildProcess(f"worker {self._spec.name}", run_worker, self._spec, level)
        self._status = WorkerLoading(process.pid)
        try:
            while not self._is_over(process):
                process.wait(self._wake.reader, self._seconds_until_due())
                self._wake.clear()
                self._receive_all(process)
        except EOFError:
            if not self._has_killed:
                self._failure = self._failure or self._death(process)
        finally:
            process.end()

    def _fail_remaining(self) -> None:
        failure = self._failure or TorchWorkerError(WorkerFault.UNLOADED, "The model was unloaded.")
        is_left = self._is_retired or (self._has_killed and self._replace())
        remaining = [] if is_left else self._retire(only_if_idle=False) or []
        for call in remaining if self._call is None else [self._call, *remaining]:
            call.fail(failure)
        self._wake.close()

    def _is_over(self, process: WorkerProcess) -> bool:
        """Enforce the deadlines and send the next call. True: the process has to end."""
        now = time.monotonic()
        for late in self._calls.take_late(now):
            late.fail(_too_late())
        if self._load_until is not None:
            if now >= self._load_until:
                self._failure = TorchWorkerError(WorkerFault.LOAD_FAILED, "The model took too long to load.")
            return self._is_stopping.is_set() or self._failure is not None
        if self._call is None and not self._is_stopping.is_set():
            self._call = self._calls.take()
            if self._call is not None:
                process.tell(Call(self._call.number, self._call.method, self._call.payload))
        if self._call is not None:
            self._watch_call(process, self._call, now)
        return self._is_stopping.is_set() or self._failure is not None or self._is_idle_for_long(now)

    def _watch_call(self, process: WorkerProcess, call: PendingCall, now: float) -> None:
        if self._kill_at is None:
            is_late = call.deadline <= now
            if not (is_late or call.future.cancelled()):
                return
            call.fail(_too_late())  # has no effect on a cancelled call
            process.tell(Cancel(call.number))
            self._kill_at = now + self._spec.cancel_grace_s
        elif now >= self._kill_at:
            logger.warning("A worker did not cancel its call in time, so its process is killed", worker=self._spec.name)
            process.kill()
            self._kill_at, self._has_killed = float("inf"), True

    def _is_idle_for_long(self, now: float) -> bool:
        limit = self._spec.idle_s
        if self._call is not None or limit is None or now - self._idle_since < limit:
            return False
        if self._retire(only_if_idle=True) is not None:
            self._is_retired = True
            return True
        self._idle_since = now  # a call has just been submitted, and its wake-up is on the way
        return False

    def _seconds_until_due(self) -> float | None:
        """Seconds until the next deadline of any kind. None: there is none."""
        due = [self._calls.next_deadline(), self._load_until, self._kill_at]
        if self._call is not None and self._kill_at is None:
            due.append(self._call.deadline)
        if self._call is None and self._load_until is None and self._spec.idle_s is not None:
            due.append(self._idle_since + self._spec.idle_s)
        next_due = min((moment for moment in due if moment is not None), default=float("inf"))
        return None if next_due == float("inf") else max(0.0, next_due - time.monotonic())

    def _receive_all(self, process: WorkerProcess) -> None:
        """Handle all messages that have arrived.

        Raises:
            EOFError: the process has ended.
        """
        while (message := process.receive()) is not None:
            self._handle(message, process)

    def _handle(self, message: FromProcess, process: WorkerProcess) -> None:
        match message:
            case Logged():
                self._log(message)
            case Loaded():
                self._load_until, self._idle_since = None, time.monotonic()
                self._status = WorkerReady(process.pid)
            case LoadFailed(fault, text):
                self._failure = TorchWorkerError(fault, text)
            case Progressed(_, payload):
                if self._call is not None:
                    self._report_progress(self._call, payload)
            case Answered(_, payload):
                self._take_answered().answer(payload)
            case Failed(_, fault, text):
                self._take_answered().fail(TorchWorkerError(fault, text))
            case Cancelled():
                self._take_answered()  # its future is already resolved
            case _:
                assert_never(message)

    def _report_progress(self, call: PendingCall, progress: Plain) -> None:
        if call.on_progress is None or call.future.done():
            return
        try:
            call.context.run(call.on_progress, progress)
        except Exception as error:  # the caller's own error must not end the process
            logger.exception("A listener for progress failed", worker=self._spec.name, exc_info=error)

    def _take_answered(self) -> PendingCall:
        """The call that the process has just finished. It works on one at a time."""
        call, self._call = self._call, None
        if call is None:
            raise EOFError  # an answer without a call: the process cannot be trusted any further
        self._kill_at, self._idle_since = None, time.monotonic()
        return call

    def _log(self, event: Logged) -> None:
        if self._call is None:
            log_relayed(event, worker=self._spec.name)
        else:
            self._call.context.run(log_relayed, event, worker=self._spec.name)

    def _death(self, process: WorkerProcess) -> TorchWorkerError:
        how = process.exit_reason()
        logger.warning("The process of a worker ended unexpectedly", worker=self._spec.name, how=how)
        return WorkerDiedError(f"The process of the model {how}.")


def _too_late() -> TorchWorkerError:
    return TorchWorkerError(WorkerFault.DEADLINE, "The model took too long.")
