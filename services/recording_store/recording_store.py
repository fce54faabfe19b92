"""What a recording store is: the finished recordings of the server, as they are in their folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from services.recording_store.recording_notes import RecordingNotes


@dataclass(frozen=True, slots=True)
class RecordingFilePayload:
    """One finished file. `name` is the file's without its suffix, and unique; `notes` is None without any of ours.

    `started_at` is seconds since the Unix epoch: as the notes say, else the time of the file.
    """

    name: str
    path: Path
    size_bytes: int
    started_at: float
    duration_s: float
    width: int
    height: int
    title: str | None
    artist: str | None
    notes: RecordingNotes | None


@dataclass(frozen=True, slots=True)
class RecordingUsagePayload:
    """Bytes: of everything in the folder, of the finished files among it, and still free on its disk."""

    used_bytes: int
    finished_bytes: int
    finished_files: int
    free_bytes: int


class StoreFault(StrEnum):
    UNKNOWN = "unknown"
    NAME_INVALID = "name_invalid"
    NAME_TAKEN = "name_taken"
    BUSY = "busy"  # another program holds the file
    FOLDER = "folder"


class RecordingStoreError(RuntimeError):
    """A recording could not be found or changed. `str()` of it is a sentence that names no path."""

    def __init__(self, message: str, fault: StoreFault) -> None:
        super().__init__(message)
        self.fault = fault


class RecordingStore(Protocol):
    """Every method blocks and is safe to call from several threads. A missing folder holds nothing."""

    @property
    def folder(self) -> Path: ...

    def list(self) -> tuple[RecordingFilePayload, ...]:
        """Newest first. What cannot be read as a video is left out."""
        ...

    def find(self, name: str) -> RecordingFilePayload | None: ...

    def rename(self, name: str, new_name: str) -> RecordingFilePayload:
        """Give a file another name. Characters that some file system does not take are replaced.

        Raises:
            RecordingStoreError: unknown, no name, taken, or the file cannot be renamed.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file and its thumbnail.

        Raises:
            RecordingStoreError: unknown, or it cannot be removed.
        """
        ...

    def usage(self) -> RecordingUsagePayload: ...

    def free_bytes(self, folder: Path) -> int:
        """On the disk that `folder` is on, or will be."""
        ...

    def thumbnail(self, recording: RecordingFilePayload) -> bytes | None:
        """The JPEG that was kept for this version of the file."""
        ...

    def keep_thumbnail(self, recording: RecordingFilePayload, jpeg: bytes) -> None:
        """Keep the JPEG. A failure is logged only, since it can be made again."""
        ...
