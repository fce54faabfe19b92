"""The error that ends a recording, how it is derived, and its sentence for the player."""

from __future__ import annotations

import errno
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_SENTENCES: Final[Mapping[RecordingFault, str]] = MappingProxyType(
    {
        RecordingFault.DISK_FULL: "The disk is full, so the recording has ended.",
        RecordingFault.FOLDER_GONE: "The recordings folder is gone, so the recording has ended.",
        RecordingFault.NOT_WRITABLE: "The server is not allowed to write to the recordings folder.",
        RecordingFault.NAME_TAKEN: "A recording with this name already exists.",
        RecordingFault.ENCODER_MISSING: "Nothing can be recorded: ffmpeg cannot be started on the server.",
        RecordingFault.ENCODER_FAILED: "The video encoder has failed, so the recording has ended.",
        RecordingFault.ENCODER_TOO_SLOW: "The server encodes more slowly than it plays, so the recording has ended.",
        RecordingFault.WRITER_CLOSED: "The server is stopping, so nothing more is recorded.",
    }
)
_INCOMPLETE_SENTENCES: Final[Mapping[RecordingFault, str]] = MappingProxyType(
    {
        RecordingFault.DISK_FULL: "The disk is full. The recording is finished when there is room.",
        RecordingFault.FOLDER_GONE: "The folder of the recording is gone. It is finished when the folder is back.",
        RecordingFault.NOT_WRITABLE: "The server is not allowed to write to the folder of the recording. "
        "It is finished when that changes.",
        RecordingFault.ENCODER_MISSING: "The recording cannot be finished: ffmpeg cannot be started on the server.",
    }
)
_BY_ERRNO: Final[Mapping[int, RecordingFault]] = MappingProxyType(
    {
        errno.ENOSPC: RecordingFault.DISK_FULL,
        errno.EDQUOT: RecordingFault.DISK_FULL,
        errno.EFBIG: RecordingFault.DISK_FULL,
        errno.ENOENT: RecordingFault.FOLDER_GONE,
        errno.ENOTDIR: RecordingFault.FOLDER_GONE,
        errno.EIO: RecordingFault.FOLDER_GONE,  # a drive that was pulled out
        errno.ENODEV: RecordingFault.FOLDER_GONE,
        errno.EACCES: RecordingFault.NOT_WRITABLE,
        errno.EPERM: RecordingFault.NOT_WRITABLE,
        errno.EROFS: RecordingFault.NOT_WRITABLE,
    }
)
# When ffmpeg is the one that writes, the cause is only known from its messages. These are its words for some causes.
_BY_MESSAGE: Final = (
    ("No space left on device", RecordingFault.DISK_FULL),
    ("Disk quota exceeded", RecordingFault.DISK_FULL),
    ("File too large", RecordingFault.DISK_FULL),
    ("No such file or directory", RecordingFault.FOLDER_GONE),
    ("Permission denied", RecordingFault.NOT_WRITABLE),
    ("Read-only file system", RecordingFault.NOT_WRITABLE),
)


class RecordingError(RuntimeError):
    """The reason why a recording ended. `str()` of it is for the log; `sentence_of` gives the text for the player."""

    def __init__(self, fault: RecordingFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


def sentence_of(fault: RecordingFault) -> str:
    return _SENTENCES[fault]


def incomplete_sentence_of(fault: RecordingFault) -> str:
    """For a recording whose file cannot be completed now."""
    return _INCOMPLETE_SENTENCES.get(fault, "The video encoder has failed, so the recording is not finished yet.")


def from_os_error(error: OSError) -> RecordingError:
    fault = _BY_ERRNO.get(error.errno or 0, RecordingFault.NOT_WRITABLE)
    return RecordingError(fault, error.strerror or type(error).__name__)


def from_encoder(exit_code: int, messages: str) -> RecordingError:
    """The error for an ffmpeg that ended by itself. `messages` is the end of what it printed."""
    fault = next((fault for words, fault in _BY_MESSAGE if words in messages), RecordingFault.ENCODER_FAILED)
    return RecordingError(fault, f"ffmpeg ended with {exit_code}: {messages[-500:] or 'no message'}")
