"""The interface of video writers: frames with their times go in, MP4 files come out, and failures are values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.video_encoder.video_encoder import AccessUnit


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """Texts in the file. `comment` may be any text; Terrarium and the desktop client expect JSON in it."""

    title: str
    artist: str
    comment: str


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """The shape of one file. `fps` is the engine's nominal rate; every frame keeps the time at which it was seen.

    Pictures of another size are scaled to `width` x `height` pixels. If one of these is odd, the last row or column
    of pixels is cut off.
    """

    width: int
    height: int
    fps: float
    metadata: VideoMetadata


class RecordingFault(StrEnum):
    """Why a recording failed."""

    DISK_FULL = "diskFull"
    FOLDER_GONE = "folderGone"
    NOT_WRITABLE = "notWritable"
    NAME_TAKEN = "nameTaken"
    ENCODER_MISSING = "encoderMissing"  # ffmpeg is not installed or cannot be started
    ENCODER_FAILED = "encoderFailed"  # ffmpeg ended by itself, or was killed
    ENCODER_TOO_SLOW = "encoderTooSlow"  # more frames wait than the limits allow
    WRITER_CLOSED = "writerClosed"  # the recording was started after `close`


@dataclass(frozen=True, slots=True)
class Finished:
    """A complete file with its index at the front. `path` has a number appended if the name was taken meanwhile."""

    path: Path
    duration_s: float
    frames: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """There is no file, because `discard` was called or no frame was recorded."""

    path: Path


@dataclass(frozen=True, slots=True)
class Postponed:
    """The writer was closed before the file was complete. `recover` will complete it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Failed:
    """The recording failed. `sentence` tells the player why, without naming a path.

    `kept` is the complete file of what was recorded before the failure. It is None if nothing could be kept.
    """

    path: Path
    fault: RecordingFault
    sentence: str
    kept: Finished | None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The file cannot be completed now, for instance because the disk is full. `complete` or `recover` may do it later.

    Until then its work files stay beside `path`. `duration_s` is how much of it `incomplete_video` shows. `metadata` is
    None if it is not known any more.
    """

    path: Path
    fault: RecordingFault
    sentence: str
    duration_s: float
    metadata: VideoMetadata | None


RecordingOutcome: TypeAlias = Finished | Discarded | Postponed | Failed | Incomplete
OnRecordingEnd: TypeAlias = Callable[[RecordingOutcome], None]
OnRecordingFault: TypeAlias = Callable[[RecordingFault, str], None]  # the fault and its sentence for the player


class RecordingPhase(StrEnum):
    """The stage that a recording has reached."""

    RECORDING = "recording"
    ENCODING = "encoding"  # `finish` was called or recording failed; waiting frames are still being encoded
    SEALING = "sealing"  # the complete file is being written
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """The progress of a recording. `frames` counts those that `write` took; waiting frames are not yet encoded."""

    phase: RecordingPhase
    duration_s: float
    frames: int
    waiting_frames: int
    waiting_bytes: int  # in memory
    spooled_bytes: int  # waiting on disk


class RecordedFile(Protocol):
    """A file that is being recorded. Every method returns at once, never raises, and may be called from any thread.

    Times are seconds of a monotonic clock of the caller's choice. After `finish`, `discard` or a failure, further
    frames and captions are ignored.
    """

    @property
    def path(self) -> Path: ...

    def finish(self, *, ended_at: float | None = None) -> None:
        """End the recording and complete its file. The last frame is shown until `ended_at`."""
        ...

    def discard(self) -> None:
        """End the recording and remove its files. Works after `finish` too, until the file is complete."""
        ...

    def progress(self) -> RecordingProgress: ...


class Recording(RecordedFile, Protocol):
    """Of JPEGs, which are encoded beside."""

    def write(self, jpegs: Sequence[bytes], *, started_at: float, shown_for_s: float) -> None:
        """Record the frames of one pass, which was first shown at `started_at`. Passes must be in order of time.

        The frames are spread evenly over the time until the next pass. If that is far longer than `shown_for_s`, or if
        no pass follows, they are spread over `shown_for_s` and the last one stays.
        """
        ...

    def caption(self, text: str, *, at: float) -> None:
        """Show `text` for five seconds from `at`; it fades out in the last one. A later caption replaces it."""
        ...


class CopiedRecording(RecordedFile, Protocol):
    """Of H.264 that somebody has encoded already. It goes into the file as it is."""

    def write(self, units: Sequence[AccessUnit], *, started_at: float, shown_for_s: float) -> None:
        """Record a pass, as above. Each unit builds on the one before; up to the first key frame, passes are ignored.

        The parameter sets of the first key frame stand at the front of the file, and others within the frames, where
        not every player looks for them.
        """
        ...


@dataclass(frozen=True, slots=True)
class VideoFactsPayload:
    """The facts that a complete file contains about itself."""

    duration_s: float
    frames: int
    width: int
    height: int
    size_bytes: int
    metadata: VideoMetadata


class VideoError(RuntimeError):
    """A file could not be read. `str()` of it is a sentence that names no path."""


class VideoWriter(Protocol):
    """Safe to call from several threads. Only `start` returns at once; the other methods block."""

    def start(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> Recording:
        """Start recording into the file `path`, whose name must end in `.mp4`. Missing folders are created.

        Until the file is complete, work files lie beside it, named like it with a further suffix. `on_end` is called
        exactly once, on a thread of the writer, even if the recording fails at its start. After a failure the waiting
        frames are still encoded, so `Failed` may come late; `on_fault` is called as soon as the failure is noticed.
        """
        ...

    def start_copy(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> CopiedRecording:
        """The same for H.264, whose pictures have the size of the plan."""
        ...

    def recover(self, folder: Path, on_end: OnRecordingEnd) -> None:
        """Complete the recordings that an earlier process left unfinished in `folder`, one after the other.

        Subfolders are not searched, and recordings of a running process are left alone. Recordings without a frame
        are removed (`Discarded`).
        """
        ...

    def complete(self, path: Path, on_end: OnRecordingEnd) -> None:
        """Try again to complete the recording that ended as `Incomplete` with this path.

        `on_end` is called once, or not at all if `close` was called or another process works on the recording.
        """
        ...

    def incomplete_video(self, path: Path) -> Path | None:
        """A file that players open, with what is encoded of an incomplete recording. None: nothing is."""
        ...

    def abandon(self, path: Path) -> None:
        """Remove the work files of an incomplete recording.

        Raises:
            VideoError: they cannot be removed.
        """
        ...

    def describe(self, video: Path) -> VideoFactsPayload:
        """Read the facts of a complete file from its index. This is fast and needs no ffmpeg.

        Raises:
            VideoError: the file is not a complete MP4 file with a video track.
        """
        ...

    def thumbnail(self, video: Path, *, width: int) -> bytes:
        """A representative frame of a complete file as a JPEG of `width` pixels.

        Raises:
            VideoError: the file cannot be read, or ffmpeg is missing or fails.
        """
        ...

    def close(self, timeout_s: float) -> None:
        """Accept no more recordings and complete the open ones within `timeout_s` seconds. Idempotent.

        Recordings that are not complete by then end as `Postponed`.
        """
        ...
