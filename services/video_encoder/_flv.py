"""Reads H.264 from the FLV that ffmpeg writes: of its formats for pipes, the one that says at once where a frame ends.

https://veovera.org/docs/legacy/video-file-format-v10-1-spec.pdf, annex E, and ISO/IEC 14496-15 for `avcC`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.video_encoder.video_encoder import AccessUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FILE_HEAD: Final = 13  # with the size of the tag before the first
_TAG_HEAD: Final = 11
_TAG_TAIL: Final = 4
_VIDEO: Final = 9
_KEY_FRAME: Final = 1
_H264: Final = 7
_PARAMETER_SETS: Final = 0
_FRAME: Final = 1
_START: Final = b"\x00\x00\x00\x01"


class FlvError(ValueError):
    """The bytes are no FLV with H.264, or they end in mid-frame."""


class FlvReader:
    """`read` gives exactly as many bytes as asked for, or fewer at the end. It may block."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._parameter_sets = b""
        self._began = False

    def next_unit(self) -> AccessUnit:
        """The next frame. Raises: FlvError."""
        if not self._began:
            self._began = True
            if not self._exactly(_FILE_HEAD).startswith(b"FLV"):
                raise FlvError("This is no FLV.")
        while True:
            head = self._exactly(_TAG_HEAD)
            body = self._exactly(int.from_bytes(head[1:4], "big") + _TAG_TAIL)[:-_TAG_TAIL]
            if head[0] != _VIDEO:
                continue
            if len(body) < 5 or body[0] & 0x0F != _H264:
                raise FlvError("The video is no H.264.")
            kind, payload = body[1], body[5:]
            if kind == _PARAMETER_SETS:
                self._parameter_sets = annex_b(_sets_of(payload))
            elif kind == _FRAME:
                is_key = body[0] >> 4 == _KEY_FRAME
                data = annex_b(_nal_units(payload))
                return AccessUnit(self._parameter_sets + data if is_key else data, is_key)

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise FlvError("The stream ended.")
        return data


def annex_b(units: Iterator[bytes]) -> bytes:
    return b"".join(_START + unit for unit in units)


def _nal_units(payload: bytes) -> Iterator[bytes]:
    """Units that are preceded by their length in four bytes, as ffmpeg always writes them."""
    at = 0
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 4], "big")
        if at + 4 + size > len(payload):
            raise FlvError("A frame is shorter than it says.")
        yield payload[at + 4 : at + 4 + size]
        at += 4 + size


def _sets_of(avcc: bytes) -> Iterator[bytes]:
    """Sequence and picture parameter sets. Each group has its count, and each set its length in two bytes."""
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(avcc):
            raise FlvError("The parameter sets are shorter than they say.")
        count, at = avcc[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(avcc[at : at + 2], "big")
            yield avcc[at + 2 : at + 2 + size]
            at += 2 + size
