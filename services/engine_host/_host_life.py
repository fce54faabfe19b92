"""One life of a host's process as the server sees it: what waits for its answers, and the thread that watches it."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

import structlog

from services.child_process.child_process import ChildProcess, Wake
from services.child_process.log_relay import Logged, log_relayed
from services.engine_host._host_main import run_host
from services.engine_host._messages import (
    Answered,
    Call,
    CloseEngine,
    Failed,
    FromHost,
    HostFault,
    Loaded,
    LoadFailed,
    LoadReported,
    ToHost,
)
from services.engine_host._shared_memory import FRAME_BYTES, HostMemory, SharedMemory
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.world_engine import (
    BadFramesError,
    EngineDiedError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    StepTimeoutError,
    WorldClosedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.engine_host._messages import Answer, HostCall, HostSpec
    from services.world_engine.engine_card import LoadReport

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

HostProcess: TypeAlias = "ChildProcess[ToHost, FromHost]"

_CLOSE_S: Final = 10.0  # for an engine that was asked to close, before its process is killed


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A call without an answer. `deadline` is in seconds of the monotonic clock."""

    deadline: float
    future: Future[Answer]


class HostLife:
    """The process and its worlds end together. Safe to use from several threads; each waits for its own answer."""

    def __init__(self, spec: HostSpec, states: SharedMemory, report: LoadReport, load_limit_s: float) -> None:
        self.frames = SharedMemory(FRAME_BYTES)
        self._states = states
        self._spec = spec
        self._report = report
        self._numbers = count(1)
        self._lock = threading.Lock()  # of what waits, and of the end
        self._waiting: dict[int, _Waiting] = {}
        self._end: EngineFaultError | None = None
        self._on_end: Callable[[], None] | None = None
        self._loading: Future[Loaded] = Future()
        self._load_until: float | None = time.monotonic() + load_limit_s
        self._process: HostProcess | None = None
        self._is_closing = threading.Event()
        self._wake = Wake()
        self._thread = threading.Thread(target=self._run, name=f"host-{spec.name}", daemon=True)

    def start(self) -> Loaded:
        """Start the process and wait until the engine is loaded.

        Raises:
            ModelLoadError: with a sentence for the person who chose the model.
        """
        self._thread.start()
        try:
            return self._loading.result()
        except BaseException:
            self.close()
            raise

    @property
    def end(self) -> EngineFaultError | None:
        """Why it is over; None: it is not."""
        return self._end

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._end is not None else self._process.pid

    def when_ended(self, tell: Callable[[], None]) -> None:
        """See `MortalEngine`."""
        with self._lock:
            if self._end is None:
                self._on_end = tell
                return
        tell()

    def call(self, what: HostCall, limit_s: float) -> Answer:
        """Have the process do something, and wait for it.

        Raises:
            EngineDiedError: the process has ended, or ended meanwhile.
            StepTimeoutError: it did not answer within `limit_s`, and was killed.
            EngineFaultError: the engine failed.
        """
        number, future = next(self._numbers), Future["Answer"]()
        with self._lock:
            if self._end is not None:
                raise type(self._end)(*self._end.args)
            is_nearest = self._is_nearest(deadline := time.monotonic() + limit_s)
            self._waiting[number] = _Waiting(deadline, future)
        if is_nearest:
            self._wake.set()
        process = self._process
        if process is not None:
            process.tell(Call(number, what))
        return future.result()

    def close(self) -> None:
        """Have the engine closed, end the process, and wait until its memory is free. Idempotent."""
        self._is_closing.set()
        self._wake.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    # ------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:  # whatever it is, those who wait must be answered
            logger.exception("A host's process could not be supervised", host=self._spec.name, exc_info=error)
            self._finish(EngineDiedError(f"The process of {self._spec.name} could not be started."))
        finally:
            self._finish(EngineDiedError(f"{self._spec.name} was unloaded."))
            self._wake.close()

    def _watch(self) -> None:
        level = logging.getLogger().getEffectiveLevel()
        memory = HostMemory(self.frames, self._states)
        process: HostProcess = ChildProcess(f"host {self._spec.name}", run_host, memory, self._spec, level)
        self.frames.close_source()
        self._process = process
        try:
            while not self._is_closing.is_set() and not self._is_overdue(process):
                process.wait(self._wake.reader, self._seconds_until_due())
                self._wake.clear()
                while (message := process.receive()) is not None:
                    self._handle(message)
            if self._is_closing.is_set():
                process.tell(CloseEngine(), _CLOSE_S)
                process.wait_for_exit(_CLOSE_S)
        except EOFError:
            how = process.exit_reason()
            if not self._is_closing.is_set():
                logger.warning("The process of a model ended unexpectedly", host=self._spec.name, how=how)
            self._finish(EngineDiedError(f"The process of {self._spec.name} {how}."))
        finally:
            process.end()

    def _is_overdue(self, process: HostProcess) -> bool:
        """Kill the process if somebody has waited too long."""
        now = time.monotonic()
        if self._load_until is not None:
            if now < self._load_until:
                return False
            logger.warning("A model took too long to load, so its process is killed", host=self._spec.name)
            process.kill()
            self._finish(StepTimeoutError(f"{self._spec.name} took too long to load."))
            return True
        with self._lock:
            is_late = any(call.deadline <= now for call in self._waiting.values())
        if is_late:
            logger.warning("A model did not answer in time, so its process is killed", host=self._spec.name)
            process.kill()
            self._finish(StepTimeoutError(f"{self._spec.name} did not answer in time, so its process was ended."))
        return is_late

    def _seconds_until_due(self) -> float | None:
        with self._lock:
            due = [call.deadline for call in self._waiting.values()]
        if self._load_until is not None:
            due.append(self._load_until)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _is_nearest(self, deadline: float) -> bool:
        return all(deadline < call.deadline for call in self._waiting.values())

    def _handle(self, message: FromHost) -> None:
        match message:
            case LoadReported(step):
                self._report(step)
            case Loaded():
                self._load_until = None
                self._loading.set_result(message)
            case LoadFailed(_, text):
                self._load_until = None
                self._is_closing.set()  # it ends by itself
                self._loading.set_exception(ModelLoadError(text))
            case Answered(number, answer):
                self._take(number).set_result(answer)
            case Failed(number, fault, text):
                self._take(number).set_exception(_error(fault, text))
            case Logged():
                log_relayed(message, host=self._spec.name)
            case _:
                assert_never(message)

    def _take(self, number: int) -> Future[Answer]:
        with self._lock:
            return self._waiting.pop(number).future

    def _finish(self, end: EngineFaultError) -> None:
        """The first reason counts."""
        with self._lock:
            if self._end is None:
                self._end = end
            waiting = list(self._waiting.values())
            self._waiting.clear()
            tell, self._on_end = self._on_end, None
        for call in waiting:
            call.future.set_exception(type(self._end)(*self._end.args))
        if not self._loading.done():  # only this thread resolves it
            self._loading.set_exception(ModelLoadError(str(end)))
        if tell is not None:
            tell()


def _error(fault: HostFault, text: str) -> Exception:
    match fault:
        case HostFault.WORLD_CLOSED:
            return WorldClosedError(text)
        case HostFault.SNAPSHOT_MISMATCH:
            return SnapshotMismatchError(text)
        case HostFault.BAD_INPUT:
            return ValueError(text)
        case HostFault.BAD_FRAMES:
            return BadFramesError(text)
        case HostFault.OUT_OF_MEMORY:
            return EngineOutOfMemoryError(text)
        case HostFault.FAILED | HostFault.LOAD_FAILED:
            return EngineFaultError(text)
        case _:
            assert_never(fault)
