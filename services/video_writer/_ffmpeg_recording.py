"""The `Recording` that a session holds: its methods return at once, and two threads do the work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from services.video_writer._errors import RecordingError, sentence_of
from services.video_writer._recording_run import Disposition, RecordingRun
from services.video_writer._timeline import Timeline
from services.video_writer.video_writer import (
    Failed,
    RecordingFault,
    RecordingPhase,
    RecordingProgress,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._recording_run import WriterLimits
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import (
        OnRecordingEnd,
        OnRecordingFault,
        RecordingOutcome,
        RecordingPlan,
    )

_logger = structlog.stdlib.get_logger(__name__)


class FfmpegRecording:
    """A `Recording`. One thread feeds ffmpeg and then completes the file; another moves waiting frames to disk.

    ```
    write -> Timeline -> Backlog (memory, then Spool) -> Captions -> ffmpeg -> .part -> Sealer -> the file
    ```
    """

    def __init__(
        self,
        files: WorkFiles,
        plan: RecordingPlan,
        tools: FfmpegTools,
        limits: WriterLimits,
        *,
        on_end: OnRecordingEnd,
        on_fault: OnRecordingFault | None,
        on_gone: Callable[[FfmpegRecording], None],
    ) -> None:
        """`on_gone` is called before `on_end`, once the recording has released its files."""
        self._path = files.path
        self._on_end = on_end
        self._on_fault = on_fault
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._phase = RecordingPhase.RECORDING
        self._is_fault_told = False
        self._timeline = Timeline(plan.fps)
        self._run = RecordingRun(files, plan, tools, limits, on_interrupt=self._interrupted, on_sealing=self._sealing)
        self._main = self._thread("record", self._record)
        self._spiller = self._thread("spill", self._run.spill)

    @property
    def path(self) -> Path:
        return self._path

    def begin(self) -> None:
        """Start the threads. Only the writer calls this, `refuse`, `postpone`, `kill_encoder` and `join`."""
        self._spiller.start()
        self._main.start()

    def refuse(self) -> None:
        """Report that the recording failed because the writer is closed. Called instead of `begin`."""
        fault = RecordingFault.WRITER_CLOSED
        self._thread("refuse", lambda: self._end(Failed(self._path, fault, sentence_of(fault), None))).start()

    def write(self, jpegs: Sequence[bytes], *, started_at: float, shown_for_s: float) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self._run.backlog.put(self._timeline.add(jpegs, started_at, shown_for_s))

    def caption(self, text: str, *, at: float) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self._run.captions.add(self._timeline.since_start_us(at), text)

    def finish(self, *, ended_at: float | None = None) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self._phase = RecordingPhase.ENCODING
                self._run.backlog.put(self._timeline.end(ended_at))
                self._run.backlog.close()

    def discard(self) -> None:
        self._run.stop(Disposition.DISCARD)
        self._run.kill_encoder()

    def progress(self) -> RecordingProgress:
        with self._lock:
            phase, duration_s, frames = self._phase, self._timeline.duration_s, self._timeline.frames
        waiting = self._run.backlog.waiting()
        return RecordingProgress(
            phase=phase,
            duration_s=duration_s,
            frames=frames,
            waiting_frames=waiting.frames,
            waiting_bytes=waiting.memory_bytes,
            spooled_bytes=waiting.disk_bytes,
        )

    def postpone(self) -> None:
        """Save the frames that wait, stop, and leave the rest of the work to `recover`."""
        self._run.stop(Disposition.POSTPONE)

    def kill_encoder(self) -> None:
        """Force the end when the encoder does not react to `postpone`."""
        self._run.kill_encoder()

    def join(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the end. True: the recording has ended."""
        self._main.join(timeout_s)
        return not self._main.is_alive()

    def _record(self) -> None:
        fault = RecordingFault.ENCODER_FAILED
        outcome: RecordingOutcome = Failed(self._path, fault, sentence_of(fault), None)
        try:
            outcome = self._run.run()
        except Exception:  # whatever happens, the end must be reported
            _logger.exception("A recording failed unexpectedly", file=self._path.name)
        self._end(outcome)

    def _end(self, outcome: RecordingOutcome) -> None:
        with self._lock:
            self._phase = RecordingPhase.ENDED
            is_told = self._is_fault_told
        if isinstance(outcome, Failed) and not is_told:
            self._tell_fault(outcome.fault)
        self._on_gone(self)
        try:
            self._on_end(outcome)
        except Exception:  # a listener must not end the thread
            _logger.exception("The listener for the end of a recording failed", file=self._path.name)

    def _interrupted(self, error: RecordingError) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self._phase = RecordingPhase.ENCODING
            self._is_fault_told = True
        _logger.warning("A recording ends early", file=self._path.name, fault=error.fault.value, reason=str(error))
        self._tell_fault(error.fault)

    def _tell_fault(self, fault: RecordingFault) -> None:
        if self._on_fault is None:
            return
        try:
            self._on_fault(fault, sentence_of(fault))
        except Exception:  # a listener must not end the thread
            _logger.exception("The listener for the failure of a recording failed", file=self._path.name)

    def _sealing(self) -> None:
        with self._lock:
            self._phase = RecordingPhase.SEALING

    def _thread(self, what: str, target: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=target, name=f"{what} {self._path.stem}", daemon=True)
