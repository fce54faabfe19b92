"""A video writer whose files say what was recorded, in place of pictures."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from services.video_writer._timeline import TimedFrame, Timeline
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Incomplete,
    OnRecordingEnd,
    OnRecordingFault,
    Postponed,
    RecordingFault,
    RecordingOutcome,
    RecordingPhase,
    RecordingPlan,
    RecordingProgress,
    VideoError,
    VideoFactsPayload,
    VideoMetadata,
)
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.video_encoder.video_encoder import AccessUnit

_PART: Final = ".part"
_PATIENCE_S: Final = deadline_s()
# 2 x 2 grey pixels: a real picture, for what shows thumbnails.
_THUMBNAIL: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wAALCAACAAIBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AR//Z"
)


class FakeVideoContent(BaseModel):
    """What a file of `FakeVideoWriter` says. Times are seconds from the first frame."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    title: str
    artist: str
    comment: str
    width: int
    height: int
    duration_s: float
    shown_at_s: tuple[float, ...]
    frames: tuple[bytes, ...]
    captions: tuple[tuple[float, str], ...]


def read_fake_video(path: Path) -> FakeVideoContent:
    """Read a file of `FakeVideoWriter`, a finished one or a `.part`."""
    return FakeVideoContent.model_validate_json(path.read_bytes())


class FakeVideoWriter:
    """Files are JSON (`read_fake_video`), complete at the end; until then a `.part` lies beside them.

    `hold` keeps recordings that were finished from becoming files until the event is set. `fail_next` makes the next
    `start` fail. While `is_full`, no file can be completed. `recordings` lists everything that was started;
    `FakeRecording.fail` makes a running one fail.
    """

    def __init__(self, *, hold: threading.Event | None = None, fail_next: RecordingFault | None = None) -> None:
        self.hold = hold
        self.fail_next = fail_next
        self.recordings: list[FakeRecording] = []
        self.is_closed = False
        self.is_full = False
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> FakeJpegRecording:
        recording = FakeJpegRecording(self, path, plan, on_end, on_fault)
        self._begin(recording)
        return recording

    def start_copy(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> FakeCopiedRecording:
        recording = FakeCopiedRecording(self, path, plan, on_end, on_fault)
        self._begin(recording)
        return recording

    def recover(self, folder: Path, on_end: OnRecordingEnd) -> None:
        recorded_here = {recording.path for recording in self.recordings if not recording.is_over}
        for part in sorted(folder.glob(f"*.mp4{_PART}")):
            path = part.with_name(part.name.removesuffix(_PART))
            if path not in recorded_here:
                self.complete(path, on_end)

    def complete(self, path: Path, on_end: OnRecordingEnd) -> None:
        if self.is_closed:
            return
        part = _part_of(path)
        if not part.exists():
            on_end(Discarded(path))
            return
        content = read_fake_video(part)
        if not content.frames:
            part.unlink()
            on_end(Discarded(path))
        elif self.is_full:
            metadata = VideoMetadata(content.title, content.artist, content.comment)
            sentence = "The disk is full. The recording is finished when there is room."
            on_end(Incomplete(path, RecordingFault.DISK_FULL, sentence, content.duration_s, metadata))
        else:
            part.rename(path)
            on_end(Finished(path, content.duration_s, len(content.frames), path.stat().st_size))

    def incomplete_video(self, path: Path) -> Path | None:
        part = _part_of(path)
        return part if part.exists() and read_fake_video(part).frames else None

    def abandon(self, path: Path) -> None:
        _part_of(path).unlink(missing_ok=True)

    def describe(self, video: Path) -> VideoFactsPayload:
        try:
            content = read_fake_video(video)
            size_bytes = video.stat().st_size
        except (OSError, ValueError) as error:
            raise VideoError("The recording cannot be read.") from error
        return VideoFactsPayload(
            duration_s=content.duration_s,
            frames=len(content.frames),
            width=content.width,
            height=content.height,
            size_bytes=size_bytes,
            metadata=VideoMetadata(content.title, content.artist, content.comment),
        )

    def thumbnail(self, video: Path, *, width: int) -> bytes:
        assert width > 0
        self.describe(video)
        return _THUMBNAIL

    def close(self, timeout_s: float) -> None:
        self.is_closed = True
        for recording in self.recordings:
            recording.finish()
        for recording in self.recordings:
            recording.ended.wait(timeout_s / len(self.recordings))
        self._closing.set()
        if self.hold is not None:
            self.hold.set()
        for thread in list(self._threads):
            thread.join(_PATIENCE_S)

    def seal(self, recording: FakeRecording) -> None:
        """Turn what was recorded into a file beside the caller. For `FakeRecording` alone."""
        self._beside(lambda: self._seal(recording))

    def end(self, recording: FakeRecording, outcome: RecordingOutcome) -> None:
        self._beside(lambda: recording.report(outcome))

    def _begin(self, recording: FakeRecording) -> None:
        path = recording.path
        fault = RecordingFault.WRITER_CLOSED if self.is_closed else self.fail_next
        self.fail_next = None
        self.recordings.append(recording)
        if fault is None and path.exists():
            fault = RecordingFault.NAME_TAKEN
        if fault is not None:
            recording.fail(fault)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            recording.save_part()

    def _beside(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, name="fake-video", daemon=True))
        self._threads[-1].start()

    def _seal(self, recording: FakeRecording) -> None:
        if self.hold is not None:
            self.hold.wait(_PATIENCE_S)
        if self._closing.is_set():
            recording.report(Postponed(recording.path))
        elif self.is_full:
            self.complete(recording.path, recording.report)
        else:
            recording.report(recording.sealed())


class FakeRecording:
    """Remembers what it is given. `passes` is every call of `write` as (started_at, shown_for_s, encoded frames)."""

    def __init__(
        self,
        writer: FakeVideoWriter,
        path: Path,
        plan: RecordingPlan,
        on_end: OnRecordingEnd,
        on_fault: OnRecordingFault | None,
    ) -> None:
        self.plan = plan
        self.passes: list[tuple[float, float, tuple[bytes, ...]]] = []
        self.captions: list[tuple[float, str]] = []
        self.ended_at: float | None = None
        self.outcome: RecordingOutcome | None = None
        self.ended = threading.Event()  # `on_end` has returned
        self._writer = writer
        self._path = path
        self._on_end = on_end
        self._on_fault = on_fault
        self._lock = threading.RLock()
        self._phase = RecordingPhase.RECORDING
        self._timeline: Timeline[bytes] = Timeline(plan.fps)
        self._frames: list[TimedFrame[bytes]] = []

    @property
    def path(self) -> Path:
        return self._path

    @property
    def is_over(self) -> bool:
        return self._phase is RecordingPhase.ENDED

    @property
    def part(self) -> Path:
        return _part_of(self._path)

    def finish(self, *, ended_at: float | None = None) -> None:
        with self._lock:
            if self._phase is not RecordingPhase.RECORDING:
                return
            self._phase = RecordingPhase.SEALING
            self.ended_at = ended_at
            self._frames += self._settle(ended_at)
            self.save_part()
        self._writer.seal(self)

    def discard(self) -> None:
        self._end(Discarded(self._path))

    def fail(self, fault: RecordingFault) -> None:
        """Let the recording fail as a real one would; nothing of it is kept."""
        self._end(Failed(self._path, fault, f"The recording failed: {fault.value}.", None))

    def progress(self) -> RecordingProgress:
        with self._lock:
            return RecordingProgress(self._phase, self._timeline.duration_s, self._timeline.frames, 0, 0, 0)

    def _add(self, frames: Sequence[bytes], started_at: float, shown_for_s: float) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self.passes.append((started_at, shown_for_s, tuple(frames)))
                self._frames += self._timeline.add(frames, started_at, shown_for_s)
                self.save_part()

    def _settle(self, ended_at: float | None) -> list[TimedFrame[bytes]]:
        return self._timeline.end(ended_at)

    def save_part(self) -> None:
        """Write down what was recorded so far. For `FakeVideoWriter` alone."""
        metadata = self.plan.metadata
        content = FakeVideoContent(
            title=metadata.title,
            artist=metadata.artist,
            comment=metadata.comment,
            width=self.plan.width,
            height=self.plan.height,
            duration_s=self._timeline.duration_s,
            shown_at_s=tuple(frame.at_us / 1_000_000 for frame in self._frames),
            frames=tuple(frame.data for frame in self._frames),
            captions=tuple(self.captions),
        )
        self.part.write_text(content.model_dump_json(), encoding="utf-8")

    def sealed(self) -> RecordingOutcome:
        """Make the file. For `FakeVideoWriter` alone."""
        with self._lock:
            if not self._frames or self.is_over:
                self.part.unlink(missing_ok=True)
                return Discarded(self._path)
            self.part.rename(self._path)
            size_bytes = self._path.stat().st_size
        return Finished(self._path, self._timeline.duration_s, self._timeline.frames, size_bytes)

    def report(self, outcome: RecordingOutcome) -> None:
        """Tell the end, once. For `FakeVideoWriter` alone."""
        with self._lock:
            if self.outcome is not None:
                return
            self._phase = RecordingPhase.ENDED
            self.outcome = outcome
        if isinstance(outcome, Failed | Incomplete) and self._on_fault is not None:
            self._on_fault(outcome.fault, outcome.sentence)
        self._on_end(outcome)
        self._on_end, self._on_fault = _nobody, None  # as a file that is done lets go of who asked for it
        self.ended.set()

    def _end(self, outcome: RecordingOutcome) -> None:
        with self._lock:
            if self.is_over:
                return
            self._phase = RecordingPhase.ENDED
            self.part.unlink(missing_ok=True)
        self._writer.end(self, outcome)


class FakeJpegRecording(FakeRecording):
    def write(self, jpegs: Sequence[bytes], *, started_at: float, shown_for_s: float) -> None:
        self._add(jpegs, started_at, shown_for_s)

    def caption(self, text: str, *, at: float) -> None:
        with self._lock:
            if self._phase is RecordingPhase.RECORDING:
                self.captions.append((self._timeline.since_start_us(at) / 1_000_000, text))
                self.save_part()


class FakeCopiedRecording(FakeRecording):
    def write(self, units: Sequence[AccessUnit], *, started_at: float, shown_for_s: float) -> None:
        if self.passes or (units and units[0].is_key):
            self._add([unit.data for unit in units], started_at, shown_for_s)

    def _settle(self, ended_at: float | None) -> list[TimedFrame[bytes]]:
        return self._timeline.end_unrepeated(ended_at)[0]


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + _PART)


def _nobody(_: RecordingOutcome) -> None:
    """Nobody waits any more."""
