"""The `Recording` that a session holds: its methods return at once, and two threads do the work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from services.video_writer._recording_run import Disposition, RecordingRun
from services.video_writer._recording_thread import RecordingThread
from services.video_writer._timeline import Timeline
from services.video_writer.video_writer import RecordingProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._recording_run import WriterLimits
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import OnRecordingEnd, OnRecordingFault, RecordingOutcome, RecordingPlan


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
        self._thread = RecordingThread(
            files.path,
            self._record,
            on_end=on_end,
            on_fault=on_fault,
            on_gone=lambda: on_gone(self),
        )
        self._run = RecordingRun(
            files, plan, tools, limits, on_interrupt=self._thread.interrupted, on_sealing=self._thread.sealing
        )
        self._timeline: Timeline[bytes] = Timeline(plan.fps)
        self._spiller = threading.Thread(target=self._run.spill, name=f"spill {files.path.stem}", daemon=True)

    @property
    def path(self) -> Path:
        return self._path

    def write(self, jpegs: Sequence[bytes], *, started_at: float, shown_for_s: float) -> None:
        with self._thread.lock:
            if self._thread.is_recording:
                self._run.backlog.put(self._timeline.add(jpegs, started_at, shown_for_s))

    def caption(self, text: str, *, at: float) -> None:
        with self._thread.lock:
            if self._thread.is_recording:
                self._run.captions.add(self._timeline.since_start_us(at), text)

    def finish(self, *, ended_at: float | None = None) -> None:
        with self._thread.lock:
            if self._thread.is_recording:
                self._thread.no_more_frames()
                self._run.backlog.put(self._timeline.end(ended_at))
                self._run.backlog.close()

    def discard(self) -> None:
        self._run.stop(Disposition.DISCARD)
        self._run.kill_encoder()

    def progress(self) -> RecordingProgress:
        with self._thread.lock:
            phase, duration_s, frames = self._thread.phase, self._timeline.duration_s, self._timeline.frames
        waiting = self._run.backlog.waiting()
        return RecordingProgress(
            phase=phase,
            duration_s=duration_s,
            frames=frames,
            waiting_frames=waiting.frames,
            waiting_bytes=waiting.memory_bytes,
            spooled_bytes=waiting.disk_bytes,
        )

    # ------------------------------------------------------------------------------------- for the writer alone

    def begin(self) -> None:
        self._spiller.start()
        self._thread.begin()

    def refuse(self) -> None:
        """Report that the recording failed because the writer is closed. Called instead of `begin`."""
        self._thread.refuse()

    def postpone(self) -> None:
        """Save the frames that wait, stop, and leave the rest of the work to `recover`."""
        self._run.stop(Disposition.POSTPONE)

    def kill_encoder(self) -> None:
        """Force the end when the encoder does not react to `postpone`."""
        self._run.kill_encoder()

    def join(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the end. True: the recording has ended."""
        return self._thread.join(timeout_s)

    def _record(self) -> RecordingOutcome:
        return self._run.run()
