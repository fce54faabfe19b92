"""The main function of a worker's process: it builds the service, then answers one call after the other."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, assert_never

import structlog

from services.child_process.child_main import CLOSED, Sender, import_function, is_out_of_memory, set_up_child
from services.child_process.log_relay import relay_logs
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
from services.torch_worker.torch_worker import Plain, WorkerFault, WorkerSpec, check_plain
from services.torch_worker.worker_service import (
    JobCancelledError,
    ServiceRefusalError,
    WorkerService,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


def run_worker(connection: Connection, spec: WorkerSpec, log_level: int) -> None:
    """The main function of the spawned process. It ends when the server closes the connection or exits."""
    set_up_child(_environment(spec), niceness=spec.niceness)
    sender: Sender[FromProcess] = Sender(connection)
    relay_logs(sender.tell, log_level)
    receiver = _Receiver(connection)
    service = _build(spec, sender)
    if service is None:
        return
    sender.tell(Loaded())
    while True:
        call = receiver.calls.get()
        job = _CurrentJob(call.number, sender, receiver)
        sender.tell(_serve(service, call, job))


class _Receiver:
    """Reads messages on a thread of its own, so that it notices a cancellation or the server's end during a call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cancelled = 0
        self.calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="worker-receiver", daemon=True).start()

    def is_cancelled(self, number: int) -> bool:
        return number <= self._cancelled  # calls come one at a time, with increasing numbers

    def _read(self) -> None:
        while True:
            try:
                message: ToProcess = self._connection.recv()
            except (EOFError, OSError):
                os._exit(CLOSED)  # a service that is computing would not notice anything gentler
            match message:
                case Call():
                    self.calls.put(message)
                case Cancel(number):
                    self._cancelled = number
                case _:
                    assert_never(message)


class _CurrentJob:
    """The `Job` of the call that the service is working on."""

    def __init__(self, number: int, sender: Sender[FromProcess], receiver: _Receiver) -> None:
        self._number = number
        self._sender = sender
        self._receiver = receiver

    def report(self, progress: Plain) -> None:
        check_plain(progress)
        self._sender.tell(Progressed(self._number, progress))

    def check(self) -> None:
        if self._receiver.is_cancelled(self._number):
            raise JobCancelledError


def _environment(spec: WorkerSpec) -> dict[str, str]:
    return {
        "OMP_NUM_THREADS": str(spec.threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads that spin would take a core from worlds in play
        "HF_HUB_OFFLINE": "1",  # models are only read from disk
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _build(spec: WorkerSpec, sender: Sender[FromProcess]) -> WorkerService | None:
    try:
        service: WorkerService = import_function(spec.factory)(**spec.options)
        return service
    except Exception as error:  # noqa: BLE001 - libraries and damaged files raise anything
        sender.tell(LoadFailed(*_explain(error, WorkerFault.LOAD_FAILED, "could not be loaded")))
        return None


def _serve(service: WorkerService, call: Call, job: _CurrentJob) -> FromProcess:
    try:
        job.check()
        answer = service.handle(call.method, call.payload, job)
        check_plain(answer)
        return Answered(call.number, answer)
    except JobCancelledError:
        return Cancelled(call.number)
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and the process goes on
        return Failed(call.number, *_explain(error, WorkerFault.CALL_FAILED, "failed"))


def _explain(error: Exception, fault: WorkerFault, what: str) -> tuple[WorkerFault, str]:
    """Log the error with its traceback, and return the fault and a sentence for a person."""
    if isinstance(error, ServiceRefusalError):
        logger.warning(f"The model {what}", reason=str(error), exc_info=error if error.__cause__ else None)
        return fault, str(error)
    logger.error(f"The model {what}", exc_info=error)
    if is_out_of_memory(error):
        advice = "Close what else uses it, or choose a smaller model or an endpoint in the settings."
        return WorkerFault.OUT_OF_MEMORY, f"There was not enough memory for the model. {advice}"
    return fault, f"The model {what} ({type(error).__name__}). The server's log has the details."
