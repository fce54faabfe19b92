"""Reads and writes JPEGs with their times as a Matroska stream, both for ffmpeg's input and for the spool on disk.

Only what that needs of the format: one track, no index, and one cluster per frame, so that a stream can be cut after
any frame. https://www.matroska.org/technical/elements.html
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from services.video_writer._timeline import TimedFrame

if TYPE_CHECKING:
    from typing import BinaryIO

_UNKNOWN_SIZE: Final = b"\x01" + b"\xff" * 7
_MICROSECOND_NS: Final = 1_000

# A cluster consists of its id, its size, its time as an element of fixed length, and one block. The block begins with
# its track number (1), its time within the cluster (0) and its flags (a key frame).
_CLUSTER: Final = struct.Struct(">4sQ2sQ1sQ4s")
_CLUSTER_ID: Final = b"\x1f\x43\xb6\x75"
_TIME_HEAD: Final = b"\xe7\x88"
_BLOCK_ID: Final = b"\xa3"
_BLOCK_HEAD: Final = b"\x81\x00\x00\x80"
_SIZE_MARK: Final = 1 << 56  # marks a size field of eight bytes
_TO_CLUSTER_BODY: Final = 12  # bytes of a cluster that its size field does not count
_TO_BLOCK_BODY: Final = _CLUSTER.size - len(_BLOCK_HEAD)


class StreamDamagedError(ValueError):
    """A stream is truncated, or was not written by this module."""


def stream_header(width: int, height: int, fps: float) -> bytes:
    """The header of a stream. Its length is the same for all sizes and rates."""
    ebml = (
        _element(b"\x42\x82", b"matroska") + _element(b"\x42\x87", _number(4)) + _element(b"\x42\x85", _number(2))
    )  # DocType, its version, and the oldest one that reads it
    info = (
        _element(b"\x2a\xd7\xb1", _number(_MICROSECOND_NS))  # TimestampScale
        + _element(b"\x4d\x80", b"terrarium")  # MuxingApp
        + _element(b"\x57\x41", b"terrarium")  # WritingApp
    )
    video = _element(b"\xb0", _number(width)) + _element(b"\xba", _number(height))
    track = (
        _element(b"\xd7", _number(1))  # TrackNumber
        + _element(b"\x73\xc5", _number(1))  # TrackUID
        + _element(b"\x83", _number(1))  # TrackType: video
        + _element(b"\x9c", _number(0))  # FlagLacing
        + _element(b"\x86", b"V_MJPEG")  # CodecID
        + _element(b"\x23\xe3\x83", _number(round(1e9 / fps)))  # DefaultDuration: applies to the last frame
        + _element(b"\xe0", video)
    )
    segment = _element(b"\x15\x49\xa9\x66", info) + _element(b"\x16\x54\xae\x6b", _element(b"\xae", track))
    return _element(b"\x1a\x45\xdf\xa3", ebml) + b"\x18\x53\x80\x67" + _UNKNOWN_SIZE + segment


def frame_bytes(frame: TimedFrame) -> bytes:
    """One frame as a cluster."""
    block_size = len(_BLOCK_HEAD) + len(frame.jpeg)
    head = _CLUSTER.pack(
        _CLUSTER_ID,
        _SIZE_MARK | (_TO_BLOCK_BODY - _TO_CLUSTER_BODY + block_size),
        _TIME_HEAD,
        frame.at_us,
        _BLOCK_ID,
        _SIZE_MARK | block_size,
        _BLOCK_HEAD,
    )
    return head + frame.jpeg


def read_frame(file: BinaryIO) -> TimedFrame | None:
    """Read the frame at the file's current position. None: the end of the file.

    Raises:
        StreamDamagedError: the frame is truncated, or something else is there.
    """
    head = file.read(_CLUSTER.size)
    if not head:
        return None
    if len(head) < _CLUSTER.size:
        raise StreamDamagedError("The stream is truncated in a frame's header.")
    cluster_id, _, time_head, at_us, block_id, block_size, block_head = _CLUSTER.unpack(head)
    if (cluster_id, time_head, block_id, block_head) != (_CLUSTER_ID, _TIME_HEAD, _BLOCK_ID, _BLOCK_HEAD):
        raise StreamDamagedError("The stream has unknown data where a frame should be.")
    size = (block_size & ~_SIZE_MARK) - len(_BLOCK_HEAD)
    jpeg = file.read(size)
    if len(jpeg) < size:
        raise StreamDamagedError("The stream is truncated in a frame.")
    return TimedFrame(at_us, jpeg)


def _element(element_id: bytes, body: bytes) -> bytes:
    return element_id + (_SIZE_MARK | len(body)).to_bytes(8, "big") + body


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
