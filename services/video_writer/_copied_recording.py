"""A recording of H.264 that is encoded already: one thread writes it down as it is."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from services.video_encoder.annex_b import parameter_sets
from services.video_writer._disk_watch import DiskWatch
from services.video_writer._errors import RecordingError, from_os_error
from services.video_writer._mp4_fragments import Sample, file_head, fragment
from services.video_writer._recording_end import Disposition, RecordingEnd
from services.video_writer._recording_thread import RecordingThread
from services.video_writer._timeline import TimedFrame, Timeline
from services.video_writer._work_files import Job, ProcessMark
from services.video_writer.video_writer import RecordingFault, RecordingProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from services.video_encoder.annex_b import ParameterSets
    from services.video_encoder.video_encoder import AccessUnit
    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._recording_run import WriterLimits
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import OnRecordingEnd, OnRecordingFault, RecordingOutcome, RecordingPlan

_FRAGMENT_US: Final = 500_000  # a kill loses no more than this


class CopiedRecording:
    """A `CopiedRecording` of the interface.

    ```
    write -> Timeline -> UnitQueue -> fragments -> .part -> Sealer -> the file
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
        on_gone: Callable[[CopiedRecording], None],
    ) -> None:
        """`on_gone` is called before `on_end`, once the recording has released its files."""
        self._path = files.path
        self._files = files
        self._plan = plan
        self._limits = limits
        self._thread = RecordingThread(
            files.path, self._record, on_end=on_end, on_fault=on_fault, on_gone=lambda: on_gone(self)
        )
        self._timeline: Timeline[AccessUnit] = Timeline(plan.fps)
        self._queue = UnitQueue(limits.memory.max_bytes)
        self._end = RecordingEnd(files, tools, limits.free_bytes)

    @property
    def path(self) -> Path:
        return self._path

    def write(self, units: Sequence[AccessUnit], *, started_at: float, shown_for_s: float) -> None:
        with self._thread.lock:
            if not self._thread.is_recording or (self._timeline.frames == 0 and not (units and units[0].is_key)):
                return
            settled = self._timeline.add(units, started_at, shown_for_s)
        if not self._queue.put(settled):
            self._interrupt(RecordingError(RecordingFault.ENCODER_TOO_SLOW, "The disk does not take what is recorded."))

    def finish(self, *, ended_at: float | None = None) -> None:
        with self._thread.lock:
            if self._thread.is_recording:
                self._thread.no_more_frames()
                settled, ends_us = self._timeline.end_unrepeated(ended_at)
                self._queue.put(settled)
                self._queue.close(ends_us)

    def discard(self) -> None:
        if self._end.set(Disposition.DISCARD):
            self._queue.close(None)

    def progress(self) -> RecordingProgress:
        with self._thread.lock:
            phase, duration_s, frames = self._thread.phase, self._timeline.duration_s, self._timeline.frames
        waiting, waiting_bytes = self._queue.waiting()
        return RecordingProgress(phase, duration_s, frames, waiting, waiting_bytes, spooled_bytes=0)

    # ------------------------------------------------------------------------------------- for the writer alone

    def begin(self) -> None:
        self._thread.begin()

    def refuse(self) -> None:
        """Report that the recording failed because the writer is closed. Called instead of `begin`."""
        self._thread.refuse()

    def postpone(self) -> None:
        """Write the frames that wait, which takes no time, and leave the rest of the work to `recover`."""
        if self._end.set(Disposition.POSTPONE):
            self._queue.close(None)

    def kill_encoder(self) -> None:
        """There is none."""

    def join(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the end. True: the recording has ended."""
        return self._thread.join(timeout_s)

    # ------------------------------------------------------------------------------------------ on the thread

    def _record(self) -> RecordingOutcome:
        job = Job(plan=self._plan, encoder_name="copy", owner=ProcessMark.of())
        try:
            self._end.claim(job)
        except RecordingError as error:
            self._interrupt(error)
            return self._end.refused(error)
        try:
            self._write_part()
        except OSError as error:
            self._interrupt(from_os_error(error))
        except RecordingError as error:
            self._interrupt(error)
        return self._end.conclude(job, on_sealing=self._thread.sealing, on_error=self._interrupt)

    def _write_part(self) -> None:
        """Raises: OSError, RecordingError; what is whole of the part stays."""
        watch = DiskWatch(self._files, self._limits.has_room_beside(self._files.path), self._interrupt)
        first = self._queue.take()
        if first is None:
            return
        with self._files.part.open("xb") as file:
            part = _Part(file, self._plan, first)
            while (unit := self._queue.take()) is not None and not self._end.is_set_to(Disposition.DISCARD):
                part.add(unit)
                watch.look()
            part.end(self._queue.ends_us)

    def _interrupt(self, error: RecordingError) -> None:
        if self._end.note(error):
            self._thread.interrupted(error)
            self._queue.close(None)


class _Part:
    """Units on their way into the part. The newest is held back until the next one tells how long it was shown."""

    def __init__(self, file: BinaryIO, plan: RecordingPlan, first: TimedFrame[AccessUnit]) -> None:
        self._file = file
        self._frame_us = round(1_000_000 / plan.fps)
        self._sets: ParameterSets = parameter_sets(first.data.data)
        self._held = first
        self._samples: list[Sample] = []
        self._fragments = 0
        file.write(file_head(plan, self._sets))

    def add(self, unit: TimedFrame[AccessUnit]) -> None:
        self._settle(unit.at_us)
        self._held = unit
        if unit.at_us - self._samples[0].at_us >= _FRAGMENT_US:
            self._flush()

    def end(self, ends_us: int | None) -> None:
        self._settle(max(self._held.at_us + self._frame_us, ends_us or 0))
        self._flush()

    def _settle(self, until_us: int) -> None:
        unit = self._held
        self._samples.append(Sample(unit.at_us, until_us, unit.data.data, unit.data.is_key))

    def _flush(self) -> None:
        self._fragments += 1
        self._file.write(fragment(self._fragments, self._samples, self._sets))
        self._file.flush()
        self._samples.clear()


class UnitQueue:
    """What waits to be written, in at most `max_bytes`. It is only long where the disk stands still."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._units: deque[TimedFrame[AccessUnit]] = deque()
        self._bytes = 0
        self._is_closed = False
        self.ends_us: int | None = None  # until when the last one is shown, once that is known

    def put(self, units: Sequence[TimedFrame[AccessUnit]]) -> bool:
        """False: they do not fit any more, and were not taken. After `close` they are ignored."""
        size = sum(len(unit.data.data) for unit in units)
        with self._changed:
            if self._is_closed:
                return True
            if self._bytes + size > self._max_bytes:
                return False
            self._units.extend(units)
            self._bytes += size
            self._changed.notify()
            return True

    def take(self) -> TimedFrame[AccessUnit] | None:
        """Wait for the oldest one and remove it. None: the queue has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._units or self._is_closed)
            if not self._units:
                return None
            unit = self._units.popleft()
            self._bytes -= len(unit.data.data)
            return unit

    def close(self, ends_us: int | None) -> None:
        with self._changed:
            if not self._is_closed:
                self._is_closed, self.ends_us = True, ends_us
                self._changed.notify()

    def waiting(self) -> tuple[int, int]:
        """How many wait, and their bytes."""
        with self._changed:
            return len(self._units), self._bytes
