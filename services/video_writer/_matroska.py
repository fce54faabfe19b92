"""Reads and writes JPEGs with their times as a Matroska stream, both for ffmpeg's input and for the spool on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services import matroska
from services.matroska import PictureFormat, cluster_head
from services.video_writer._timeline import TimedFrame

if TYPE_CHECKING:
    from typing import BinaryIO


class StreamDamagedError(ValueError):
    """A stream is truncated, or was not written by this module."""


def stream_header(width: int, height: int, fps: float) -> bytes:
    """The header of a stream. Its length is the same for all sizes and rates."""
    return matroska.stream_header(width, height, fps, PictureFormat.JPEG)


def frame_bytes(frame: TimedFrame[bytes]) -> bytes:
    """One frame as a cluster."""
    return cluster_head(frame.at_us, len(frame.data)) + frame.data


def read_frame(file: BinaryIO) -> TimedFrame[bytes] | None:
    """Read the frame at the file's current position. None: the end of the file.

    Raises:
        StreamDamagedError: the frame is truncated, or something else is there.
    """
    head = file.read(matroska.CLUSTER.size)
    if not head:
        return None
    if len(head) < matroska.CLUSTER.size:
        raise StreamDamagedError("The stream is truncated in a frame's header.")
    cluster_id, _, time_head, at_us, block_id, block_size, block_head = matroska.CLUSTER.unpack(head)
    marks = (matroska.CLUSTER_ID, matroska.TIME_HEAD, matroska.BLOCK_ID, matroska.BLOCK_HEAD)
    if (cluster_id, time_head, block_id, block_head) != marks:
        raise StreamDamagedError("The stream has unknown data where a frame should be.")
    size = (block_size & ~matroska.SIZE_MARK) - len(matroska.BLOCK_HEAD)
    jpeg = file.read(size)
    if len(jpeg) < size:
        raise StreamDamagedError("The stream is truncated in a frame.")
    return TimedFrame(at_us, jpeg)
