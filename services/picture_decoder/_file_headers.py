"""Inspects the bytes of a picture file before any decoder sees them: format, size, and how costly decoding would be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.picture_decoder.picture_decoder import PictureError, PictureFault, PictureFormat

# A JPEG marker that is not a stuffed zero, a fill byte or a restart marker.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_MAX_JPEG_SEGMENTS: Final = 20_000
_MAX_PNG_CHUNKS: Final = 100_000  # encoders write chunks of 8 kB and more
_PROGRESSIVE_FRAMES: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # those three are not frames

_SIGNATURES: Final[tuple[tuple[bytes, PictureFormat], ...]] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)


def picture_format(data: bytes) -> PictureFormat | None:
    """The format according to the file's signature. None: not a supported picture."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return "AVIF" if _iso_brands(data) & {b"avif", b"avis"} else None


def is_heic(data: bytes) -> bool:
    """Whether this is HEIC, the format of iPhones. Many people will try it, so it gets an error text of its own."""
    return bool(_iso_brands(data) & {b"heic", b"heix", b"heim", b"heis", b"hevc"})


def _iso_brands(data: bytes) -> frozenset[bytes]:
    """The brands in the header of the ISO container format, which AVIF and HEIC share."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return frozenset(data[at : at + 4] for at in (8, *range(16, end - 3, 4)))


def webp_canvas(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP. They must be checked first, because its decoder allocates the canvas when opened."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    match chunk:
        case b"VP8X":
            return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        case _:
            return None


def refuse_many_png_chunks(data: bytes) -> None:
    """Refuse a PNG with an extreme number of tiny chunks, because reading each one takes some time.

    Raises:
        PictureError: the file has too many chunks.
    """
    at = 8  # after the signature
    for _ in range(_MAX_PNG_CHUNKS):
        if at >= len(data) or data[at + 4 : at + 8] == b"IEND":
            return
        at += 12 + int.from_bytes(data[at : at + 4], "big")  # length, name and checksum are 4 bytes each
    raise PictureError(PictureFault.TOO_LARGE, "This PNG file has more parts than the server accepts.")


@dataclass(frozen=True, slots=True)
class JpegScans:
    """How the first picture of a JPEG file is stored.

    `count` matters because each scan, even of a few bytes, makes the decoder process the whole picture, and a file may
    contain any number of scans. `is_buffered`: the decoder must keep the coefficients of the whole picture in memory,
    even if it is scaled down.
    """

    count: int
    is_buffered: bool


def jpeg_scans(data: bytes) -> JpegScans:
    """Walk through the segments to the end of the first picture. Damaged data are left to the decoder.

    Raises:
        PictureError: the file has too many segments.
    """
    count, components, is_buffered = 0, 0, False
    at = len(b"\xff\xd8")
    for _ in range(_MAX_JPEG_SEGMENTS):
        marker = _JPEG_MARKER.search(data, at)
        if marker is None:
            return JpegScans(count, is_buffered)
        at = marker.end()
        match marker[1][0]:
            case 0xD9:  # end of the picture
                return JpegScans(count, is_buffered)
            case 0x01 | 0xD8:  # markers without a length
                continue
            case 0xDA:  # a scan; it begins with the number of its components
                count += 1
                is_buffered = is_buffered or count > 1 or data[at + 2 : at + 3] != bytes([components])
            case code if code in _JPEG_FRAMES:
                components = int.from_bytes(data[at + 7 : at + 8], "big")
                is_buffered = code in _PROGRESSIVE_FRAMES
            case _:
                pass
        at += int.from_bytes(data[at : at + 2], "big")
    raise PictureError(PictureFault.TOO_LARGE, "This JPEG file has more parts than the server accepts.")
