"""What a video writer is: JPEGs with their times in, MP4 files out, and failures as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """What stands in the file for its readers. `comment` is any text; readers of ours expect JSON in it."""

    title: str
    artist: str
    comment: str


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """The shape of one file. `fps` is what the engine aims at; every frame keeps the time at which it was seen.

    Pictures of another size than `width` x `height` are scaled; an odd side loses its last line.
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
    ENCODER_MISSING = "encoderMissing"  # no ffmpeg, or one that cannot be started
    ENCODER_FAILED = "encoderFailed"  # it ended by itself, or was killed
    ENCODER_TOO_SLOW = "encoderTooSlow"  # more waits than may wait on the disk
    WRITER_CLOSED = "writerClosed"  # started after `close`


@dataclass(frozen=True, slots=True)
class Finished:
    """A complete file, its index at the front. `path` ends in a number more if its name was taken meanwhile."""

    path: Path
    duration_s: float
    frames: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """No file: `discard` was called, or no frame ever came."""

    path: Path


@dataclass(frozen=True, slots=True)
class Postponed:
    """The writer was closed before the file was complete. `recover` finishes it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Failed:
    """`sentence` is for the person who plays, and names no path.

    `kept` is the complete file of what came before the failure; None where nothing could be kept, or where it waits
    beside `path` for the next `recover`.
    """

    path: Path
    fault: RecordingFault
    sentence: str
    kept: Finished | None


RecordingOutcome: TypeAlias = Finished | Discarded | Postponed | Failed
OnRecordingEnd: TypeAlias = Callable[[RecordingOutcome], None]
OnRecordingFault: TypeAlias = Callable[[RecordingFault, str], None]  # the fault, and its sentence


class RecordingPhase(StrEnum):
    """How far a recording is."""

    RECORDING = "recording"
    ENCODING = "encoding"  # ended by `finish`; what waited is still being encoded
    SEALING = "sealing"  # the file gets its final form
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """Where a recording stands. Frames are counted as `write` took them; waiting ones are not yet with the encoder."""

    phase: RecordingPhase
    duration_s: float
    frames: int
    waiting_frames: int
    waiting_bytes: int  # in memory
    spooled_bytes: int  # on the disk, of what waits


class Recording(Protocol):
    """One file on its way. Every method returns at once, never raises, and may be called from any thread.

    Times are seconds of one monotonic clock, whichever the caller likes. After the end (by `finish`, `discard` or a
    failure) nothing has an effect any more.
    """

    @property
    def path(self) -> Path: ...

    def write(self, jpegs: Sequence[bytes], *, started_at: float, shown_for_s: float) -> None:
        """The frames of one pass, which came at `started_at`. Passes come in the order of their times.

        They are spread evenly until the next pass comes. When that takes far longer than `shown_for_s`, or when there
        is none, they are spread over `shown_for_s`, and the last one is held.
        """
        ...

    def caption(self, text: str, *, at: float) -> None:
        """Show `text` for five seconds from `at`, the last of which fades it out. A later caption replaces it."""
        ...

    def annotate(self, metadata: VideoMetadata) -> None:
        """Have the file say this in place of what the plan said."""
        ...

    def finish(self, *, ended_at: float | None = None) -> None:
        """No more frames come. The last one is held until `ended_at`."""
        ...

    def discard(self) -> None:
        """Leave nothing behind. Also takes back a `finish` whose file is not complete yet."""
        ...

    def progress(self) -> RecordingProgress: ...


@dataclass(frozen=True, slots=True)
class VideoFactsPayload:
    """What a complete file says of itself."""

    duration_s: float
    frames: int
    width: int
    height: int
    size_bytes: int
    metadata: VideoMetadata


class VideoError(RuntimeError):
    """A finished file could not be read. `str()` of it is a sentence that names no path."""


class VideoWriter(Protocol):
    """Safe to call from several threads. Only `start` returns at once; the other methods block."""

    def start(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> Recording:
        """Begin the file `path`, whose name ends in `.mp4`; missing folders are made.

        Until the end, what is recorded lies beside it, under the same name with a further suffix. `on_end` is called
        exactly once, on a thread of the writer's, also for what goes wrong at the start. `on_fault` is called before
        it, as soon as nothing more is recorded: what waits is then still to be encoded, so that `Failed` may come late.
        """
        ...

    def recover(self, folder: Path, on_end: OnRecordingEnd) -> None:
        """Finish what an earlier process left unfinished in `folder` (not below it), one file after the other.

        What a living process records there is left alone. Files that hold no frame are removed (`Discarded`).
        """
        ...

    def describe(self, video: Path) -> VideoFactsPayload:
        """Read a finished file's index: fast, and no encoder is needed.

        Raises:
            VideoError: this is no complete MP4 file with a video.
        """
        ...

    def thumbnail(self, video: Path, *, width: int) -> bytes:
        """A JPEG, `width` pixels wide, of a telling moment of a finished file.

        Raises:
            VideoError: the file cannot be read, or there is no encoder.
        """
        ...

    def close(self, timeout_s: float) -> None:
        """Take no more, finish what is open, at most `timeout_s` long; the rest ends as `Postponed`. Idempotent."""
        ...
