"""Writes pictures with their times as a Matroska stream, for ffmpeg's input.

Only what that needs of the format: one track, no index, and one cluster per frame, so that a stream can be cut after
any frame. https://www.matroska.org/technical/elements.html
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import Final

_UNKNOWN_SIZE: Final = b"\x01" + b"\xff" * 7
_MICROSECOND_NS: Final = 1_000

# A cluster consists of its id, its size, its time as an element of fixed length, and one block. The block begins with
# its track number (1), its time within the cluster (0) and its flags (a key frame).
CLUSTER: Final = struct.Struct(">4sQ2sQ1sQ4s")
CLUSTER_ID: Final = b"\x1f\x43\xb6\x75"
TIME_HEAD: Final = b"\xe7\x88"
BLOCK_ID: Final = b"\xa3"
BLOCK_HEAD: Final = b"\x81\x00\x00\x80"
SIZE_MARK: Final = 1 << 56  # marks a size field of eight bytes
_TO_CLUSTER_BODY: Final = 12  # bytes of a cluster that its size field does not count
_TO_BLOCK_BODY: Final = CLUSTER.size - len(BLOCK_HEAD)


class PictureFormat(Enum):
    """What the frames of a stream are: JPEG files, or raw planes of 8-bit YUV 4:2:0."""

    JPEG = b"V_MJPEG"
    I420 = b"V_UNCOMPRESSED"


def stream_header(width: int, height: int, fps: float, pictures: PictureFormat) -> bytes:
    """The header of a stream. Its length is the same for all sizes and rates of one format."""
    ebml = (
        _element(b"\x42\x82", b"matroska") + _element(b"\x42\x87", _number(4)) + _element(b"\x42\x85", _number(2))
    )  # DocType, its version, and the oldest one that reads it
    info = (
        _element(b"\x2a\xd7\xb1", _number(_MICROSECOND_NS))  # TimestampScale
        + _element(b"\x4d\x80", b"terrarium")  # MuxingApp
        + _element(b"\x57\x41", b"terrarium")  # WritingApp
    )
    video = _element(b"\xb0", _number(width)) + _element(b"\xba", _number(height))
    if pictures is PictureFormat.I420:
        video += _element(b"\x2e\xb5\x24", b"I420")  # ColourSpace
    track = (
        _element(b"\xd7", _number(1))  # TrackNumber
        + _element(b"\x73\xc5", _number(1))  # TrackUID
        + _element(b"\x83", _number(1))  # TrackType: video
        + _element(b"\x9c", _number(0))  # FlagLacing
        + _element(b"\x86", pictures.value)  # CodecID
        + _element(b"\x23\xe3\x83", _number(round(1e9 / fps)))  # DefaultDuration: applies to the last frame
        + _element(b"\xe0", video)
    )
    segment = _element(b"\x15\x49\xa9\x66", info) + _element(b"\x16\x54\xae\x6b", _element(b"\xae", track))
    return _element(b"\x1a\x45\xdf\xa3", ebml) + b"\x18\x53\x80\x67" + _UNKNOWN_SIZE + segment


def cluster_head(at_us: int, size: int) -> bytes:
    """What stands before the `size` bytes of a frame that is shown at `at_us` microseconds."""
    block_size = len(BLOCK_HEAD) + size
    return CLUSTER.pack(
        CLUSTER_ID,
        SIZE_MARK | (_TO_BLOCK_BODY - _TO_CLUSTER_BODY + block_size),
        TIME_HEAD,
        at_us,
        BLOCK_ID,
        SIZE_MARK | block_size,
        BLOCK_HEAD,
    )


def _element(element_id: bytes, body: bytes) -> bytes:
    return element_id + (SIZE_MARK | len(body)).to_bytes(8, "big") + body


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
