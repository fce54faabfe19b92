"""The spool: a queue of frames on disk, in files that are removed once they are read."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from contextlib import suppress
from heapq import merge
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from services.video_writer._errors import RecordingError, from_os_error
from services.video_writer._matroska import StreamDamagedError, frame_bytes, read_frame
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from services.video_writer._timeline import TimedFrame
    from services.video_writer._work_files import WorkFiles

_CHUNK_BYTES: Final = 64 * 1024 * 1024


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of `folder`."""
    return shutil.disk_usage(folder).free


class Spool:
    """A queue in files named `<recording>.spool-<number>`, its chunks. Each is a Matroska stream that players can open.

    One thread may append while another takes. A chunk is removed only after the next one has been read too: until
    then the encoder may not have written its frames to the file, and they would be lost if all processes were killed.
    """

    def __init__(
        self,
        files: WorkFiles,
        head: bytes,
        *,
        max_bytes: int,
        reserve_bytes: int,
        free_bytes: Callable[[Path], int] = free_bytes,
        chunk_bytes: int = _CHUNK_BYTES,
    ) -> None:
        """`max_bytes` bounds the frames in the queue; `reserve_bytes` stay free on the disk."""
        self._files = files
        self._head = head
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes = free_bytes
        self._chunk_bytes = chunk_bytes
        self._lock = threading.Lock()
        self._written: deque[tuple[int, int]] = deque()  # chunk number and size of each waiting frame
        self._waiting_bytes = 0
        self._last_chunk = 0
        self._writer: BinaryIO | None = None
        self._reader: BinaryIO | None = None
        self._read_chunk = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._written)

    @property
    def waiting_bytes(self) -> int:
        with self._lock:
            return self._waiting_bytes

    def append(self, frames: Sequence[TimedFrame[bytes]], *, is_last: bool = False) -> None:
        """Add frames to the queue. With `is_last`, they may exceed `max_bytes`.

        Raises:
            RecordingError: too many frames wait, the disk is full, or the folder is not writable.
        """
        if not frames:
            return
        data = [frame_bytes(frame) for frame in frames]
        size = sum(map(len, data))
        if self.waiting_bytes + size > self._max_bytes and not is_last:
            raise RecordingError(RecordingFault.ENCODER_TOO_SLOW, f"{self.waiting_bytes} bytes wait on the disk.")
        try:
            if self._free_bytes(self._files.path.parent) < self._reserve_bytes + size:
                raise RecordingError(RecordingFault.DISK_FULL, "Only the reserve is left on the disk.")
            writer = self._open_writer()
            writer.write(b"".join(data))
            writer.flush()
            if writer.tell() >= self._chunk_bytes:
                self._close_writer()
        except OSError as error:
            self._close_writer()  # the chunk may end with an incomplete frame, so the next frames need a new one
            raise from_os_error(error) from error
        with self._lock:
            self._written.extend((self._last_chunk, len(one)) for one in data)
            self._waiting_bytes += size

    def put_already_taken(self, frames: Sequence[TimedFrame[bytes]]) -> None:
        """Save frames that were taken before, for `read_spooled`. They precede all others and `take` skips them.

        Each call replaces the frames of the call before.

        Raises:
            RecordingError: the frames cannot be written.
        """
        if not frames:
            return
        try:
            self._files.spool(0).write_bytes(self._head + b"".join(map(frame_bytes, frames)))
        except OSError as error:
            raise from_os_error(error) from error

    def take(self) -> TimedFrame[bytes] | None:
        """Remove and return the oldest frame. None: the queue is empty.

        Raises:
            RecordingError: the frame cannot be read back.
        """
        with self._lock:
            if not self._written:
                return None
            chunk, size = self._written.popleft()
            self._waiting_bytes -= size
        try:
            frame = read_frame(self._open_reader(chunk))
        except (OSError, StreamDamagedError) as error:
            raise RecordingError(RecordingFault.FOLDER_GONE, f"The spool cannot be read: {error}") from error
        if frame is None:
            raise RecordingError(RecordingFault.FOLDER_GONE, "The spool has lost frames.")
        return frame

    def close(self) -> None:
        """Close the files without removing them."""
        self._close_writer()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def remove(self) -> None:
        """Close the files and remove them.

        Raises:
            OSError: a file cannot be removed.
        """
        self.close()
        for chunk in self._files.spools():
            chunk.unlink(missing_ok=True)

    def _open_writer(self) -> BinaryIO:
        if self._writer is None:
            self._last_chunk += 1
            self._writer = self._files.spool(self._last_chunk).open("xb")
            self._writer.write(self._head)
        return self._writer

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):  # everything was flushed, or the error has been reported already
                writer.close()

    def _open_reader(self, chunk: int) -> BinaryIO:
        if self._reader is not None and self._read_chunk == chunk:
            return self._reader
        if self._reader is not None:
            self._reader.close()
            self._files.spool(self._read_chunk - 1).unlink(missing_ok=True)
        self._reader = self._files.spool(chunk).open("rb")
        self._reader.seek(len(self._head))
        self._read_chunk = chunk
        return self._reader


def read_spooled(files: WorkFiles, head: bytes) -> Iterator[TimedFrame[bytes]]:
    """The frames in the chunks of a recording, in order.

    An incomplete frame at the end of a chunk is skipped. A frame that two chunks contain is returned once: the one with
    the frames that were taken overlaps others, and may begin earlier or later than they do.
    """
    chunks = [_frames_of(chunk, head) for chunk in files.spools()]
    newest_us = -1
    for frame in merge(*chunks[:1], chain.from_iterable(chunks[1:]), key=lambda frame: frame.at_us):
        if frame.at_us > newest_us:
            newest_us = frame.at_us
            yield frame


def _frames_of(chunk: Path, head: bytes) -> Iterator[TimedFrame[bytes]]:
    with chunk.open("rb") as file:
        file.seek(len(head))
        yield from _whole_frames(file)


def _whole_frames(file: BinaryIO) -> Iterator[TimedFrame[bytes]]:
    with suppress(StreamDamagedError):
        while frame := read_frame(file):
            yield frame
