"""The thread that does the work of one recording, the phase it has reached, and who is told of its end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from services.video_writer._errors import sentence_of
from services.video_writer.video_writer import Failed, RecordingFault, RecordingPhase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer._errors import RecordingError
    from services.video_writer.video_writer import OnRecordingEnd, OnRecordingFault, RecordingOutcome

_logger = structlog.stdlib.get_logger(__name__)


class RecordingThread:
    """`lock` guards the phase, and what its recording keeps beside it. Every method returns at once, except `join`."""

    def __init__(
        self,
        path: Path,
        work: Callable[[], RecordingOutcome],
        *,
        on_end: OnRecordingEnd,
        on_fault: OnRecordingFault | None,
        on_gone: Callable[[], None],
    ) -> None:
        """`on_gone` is called before `on_end`, once the recording has released its files."""
        self._path = path
        self._work = work
        self._on_end = on_end
        self._on_fault = on_fault
        self._on_gone = on_gone
        self._phase = RecordingPhase.RECORDING
        self._is_fault_told = False
        self._thread = self._named("record", self._run)
        self.lock = threading.RLock()

    @property
    def phase(self) -> RecordingPhase:
        with self.lock:
            return self._phase

    @property
    def is_recording(self) -> bool:
        return self.phase is RecordingPhase.RECORDING

    def begin(self) -> None:
        self._thread.start()

    def refuse(self) -> None:
        """Report that the recording failed because the writer is closed. Called instead of `begin`."""
        fault = RecordingFault.WRITER_CLOSED
        self._named("refuse", lambda: self._end(Failed(self._path, fault, sentence_of(fault), None))).start()

    def join(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the end. True: the recording has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def no_more_frames(self) -> None:
        with self.lock:
            if self._phase is RecordingPhase.RECORDING:
                self._phase = RecordingPhase.ENCODING

    def sealing(self) -> None:
        with self.lock:
            self._phase = RecordingPhase.SEALING

    def interrupted(self, error: RecordingError) -> None:
        with self.lock:
            self.no_more_frames()
            self._is_fault_told = True
        _logger.warning("A recording ends early", file=self._path.name, fault=error.fault.value, reason=str(error))
        self._tell_fault(error.fault)

    def _run(self) -> None:
        fault = RecordingFault.ENCODER_FAILED
        outcome: RecordingOutcome = Failed(self._path, fault, sentence_of(fault), None)
        try:
            outcome = self._work()
        except Exception:  # whatever happens, the end must be reported
            _logger.exception("A recording failed unexpectedly", file=self._path.name)
        self._end(outcome)

    def _end(self, outcome: RecordingOutcome) -> None:
        with self.lock:
            self._phase = RecordingPhase.ENDED
            is_told = self._is_fault_told
        if isinstance(outcome, Failed) and not is_told:
            self._tell_fault(outcome.fault)
        self._on_gone()
        try:
            self._on_end(outcome)
        except Exception:  # a listener must not end the thread
            _logger.exception("The listener for the end of a recording failed", file=self._path.name)

    def _tell_fault(self, fault: RecordingFault) -> None:
        if self._on_fault is None:
            return
        try:
            self._on_fault(fault, sentence_of(fault))
        except Exception:  # a listener must not end the thread
            _logger.exception("The listener for the failure of a recording failed", file=self._path.name)

    def _named(self, what: str, target: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=target, name=f"{what} {self._path.stem}", daemon=True)
