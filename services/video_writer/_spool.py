"""Frames that wait on the disk: a queue in files, which are removed as they are read."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from contextlib import suppress
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
    """What is free on the disk of `folder`."""
    return shutil.disk_usage(folder).free


class Spool:
    """Chunks named `<recording>.spool-<number>`, each a Matroska stream that plays by itself.

    One thread appends while another takes. A chunk that was read stays until the next one was: what it held may not
    yet be safe in the encoder's file, and is found there should everything be killed.
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
        """`max_bytes` bounds what waits, `reserve_bytes` is left free on the disk."""
        self._files = files
        self._head = head
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes = free_bytes
        self._chunk_bytes = chunk_bytes
        self._lock = threading.Lock()
        self._written: deque[tuple[int, int]] = deque()  # of each frame that waits: its chunk and its size
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

    def append(self, frames: Sequence[TimedFrame], *, is_last: bool = False) -> None:
        """Put frames on the disk. The bound holds for all but the last ones.

        Raises:
            RecordingError: too much waits already, the disk is full, or the folder cannot be written.
        """
        if not frames:
            return
        data = [frame_bytes(frame) for frame in frames]
        size = sum(map(len, data))
        if self.waiting_bytes + size > self._max_bytes and not is_last:
            raise RecordingError(RecordingFault.ENCODER_TOO_SLOW, f"{self.waiting_bytes} bytes wait on the disk.")
        try:
            if self._free_bytes(self._files.path.parent) < self._reserve_bytes + size:
                raise RecordingError(RecordingFault.DISK_FULL, "What is left of the disk is kept free.")
            writer = self._open_writer()
            writer.write(b"".join(data))
            writer.flush()
            if writer.tell() >= self._chunk_bytes:
                self._close_writer()
        except OSError as error:
            self._close_writer()  # half a frame may stand there: what comes next begins a new chunk
            raise from_os_error(error) from error
        with self._lock:
            self._written.extend((self._last_chunk, len(one)) for one in data)
            self._waiting_bytes += size

    def put_already_taken(self, frames: Sequence[TimedFrame]) -> None:
        """Put frames before all others, for `read_spooled` alone. They replace those of an earlier call.

        Raises:
            RecordingError: the disk does not take them.
        """
        if not frames:
            return
        try:
            self._files.spool(0).write_bytes(self._head + b"".join(map(frame_bytes, frames)))
        except OSError as error:
            raise from_os_error(error) from error

    def take(self) -> TimedFrame | None:
        """The oldest frame; None if there is none.

        Raises:
            RecordingError: it cannot be read back.
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
        """Let go of the files; they stay."""
        self._close_writer()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def remove(self) -> None:
        """Close, and leave nothing on the disk. Raises OSError."""
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
            with suppress(OSError):  # it was flushed, or has failed before
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


def read_spooled(files: WorkFiles, head: bytes) -> Iterator[TimedFrame]:
    """What an earlier process left on the disk, in order.

    A chunk that is cut off ends with its last whole frame. What two chunks hold comes once.
    """
    newest_us = -1
    for chunk in files.spools():
        with chunk.open("rb") as file:
            file.seek(len(head))
            for frame in _whole_frames(file):
                if frame.at_us > newest_us:
                    newest_us = frame.at_us
                    yield frame


def _whole_frames(file: BinaryIO) -> Iterator[TimedFrame]:
    with suppress(StreamDamagedError):
        while frame := read_frame(file):
            yield frame
