"""Reads large PNGs a few rows at a time and shrinks each strip at once, so that no picture is in memory as a whole.

Pillow reads a PNG at full size only, which takes 400 MB for 100 megapixels. Here its decoder is given each strip as a
small picture: its rows below the last row of the strip before, because PNG predicts each row from the one above.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image

from services.picture_decoder._colour import resizable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from PIL import ImageFile

_STRIP_BYTES: Final = 1 << 20  # of unpacked rows, at least one block of rows
_FIRST_CHUNK: Final = 8  # behind the signature
_PIECE_BYTES: Final = 64 * 1024  # of packed data at a time: what zlib leaves over is copied
_HEADER: Final = slice(24, 29)  # depth, colour type, compression, filter, interlacing
_CHANNELS: Final[Mapping[int, int]] = MappingProxyType({0: 1, 2: 3, 3: 1, 4: 2, 6: 4})  # by colour type
# A mode of Pillow for each number of bytes by which PNG's filters look to the left. There is none for 6 and 8 bytes.
_CARRIERS: Final[Mapping[int, str]] = MappingProxyType({1: "L", 2: "LA", 3: "RGB", 4: "RGBA"})

_Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class _Rows:
    """How the rows of a file are stored: `size` bytes each, behind one byte that names the row's filter."""

    size: int
    filter_distance: int


def is_readable_in_strips(data: bytes) -> bool:
    """Whether `read_reduced` can read this PNG. Interlaced ones, and those of 48 and 64 bits, it cannot."""
    depth, colour, _, _, interlacing = data[_HEADER]
    distance = max(1, depth * _CHANNELS.get(colour, 0) // 8)
    return not interlacing and distance in _CARRIERS


def strip_pixels(width: int, rows_together: int) -> int:
    """About how many pixels a strip has in which `rows_together` rows become one."""
    return width * max(rows_together, _STRIP_BYTES // (4 * width))


def read_reduced(data: bytes, image: ImageFile.ImageFile, box: _Box, factor: tuple[int, int]) -> Image.Image:
    """What lies in `box`, with each block of `factor` pixels averaged into one, in a mode that can be resampled.

    `image` is the opened file of `data`, for which `is_readable_in_strips` holds.

    Raises:
        ValueError: the file is damaged or incomplete.
    """
    left, top, right, bottom = box
    rows = _layout(data, image.width)
    kept: Image.Image | None = None
    for first, strip in _strips(data, image, rows, top, factor[1]):
        at = max(first, top)
        if strip.height + first <= top:
            continue
        part = resizable(strip).reduce(factor, (left, at - first, right, min(strip.height, bottom - first)))
        if kept is None:
            kept = Image.new(part.mode, (-(-(right - left) // factor[0]), -(-(bottom - top) // factor[1])))
        kept.paste(part, (0, (at - top) // factor[1]))
        if first + strip.height >= bottom:
            return kept
    raise ValueError("The file ends before its picture does.")


def _layout(data: bytes, width: int) -> _Rows:
    depth, colour, *_ = data[_HEADER]
    bits = depth * _CHANNELS[colour]
    return _Rows(size=(width * bits + 7) // 8, filter_distance=max(1, bits // 8))


def _strips(
    data: bytes, image: ImageFile.ImageFile, rows: _Rows, top: int, block: int
) -> Iterator[tuple[int, Image.Image]]:
    """The strips from the top of the picture, each with the number of its first row.

    They are cut where blocks of rows begin, the first of which is at `top`.
    """
    unpacked = _Unpacker(data)
    above = bytes(rows.size)
    first = 0
    usual = max(1, _STRIP_BYTES // ((rows.size + 1) * block)) * block
    while first < image.height:
        wanted = top - first if first < top <= first + usual else usual
        count = min(wanted, image.height - first)
        plain = _without_filters(above, unpacked.take(count * (rows.size + 1)), rows, count)
        above = plain[-rows.size :]
        yield first, _as_picture(plain, image, count)
        first += count


def _without_filters(above: bytes, filtered: bytes, rows: _Rows, count: int) -> bytes:
    """The bytes of `count` rows, once their filters are undone."""
    packed = zlib.compress(b"\0" + above + filtered, 0)  # a row with filter 0 is taken as it is
    mode = _CARRIERS[rows.filter_distance]
    return Image.frombytes(mode, (rows.size // rows.filter_distance, count + 1), packed, "zip", mode).tobytes()[
        rows.size :
    ]


def _as_picture(plain: bytes, image: ImageFile.ImageFile, count: int) -> Image.Image:
    strip = Image.frombytes(image.mode, (image.width, count), plain, "raw", str(image.tile[0].args))
    strip.info = image.info
    if image.palette is not None:
        strip.palette = image.palette.copy()
        strip.palette.dirty = 1
        strip.load()  # hands the palette and its transparency to the pixels
    return strip


class _Unpacker:
    """The unpacked data of the chunks with pixels, from the first byte on."""

    def __init__(self, data: bytes) -> None:
        self._pieces = _packed_pieces(data)
        self._inflate = zlib.decompressobj()
        self._packed = b""

    def take(self, count: int) -> bytes:
        """Raises: ValueError, the file has no more, or is damaged."""
        parts: list[bytes] = []
        while count > 0:
            if not self._packed and (piece := next(self._pieces, None)) is not None:
                self._packed = bytes(piece)
            try:
                part = self._inflate.decompress(self._packed, count)
            except zlib.error as error:
                raise ValueError("The packed pixels are damaged.") from error
            if not part and not self._inflate.unconsumed_tail and (self._inflate.eof or not self._packed):
                raise ValueError("The file ends before its picture does.")
            self._packed = self._inflate.unconsumed_tail
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _packed_pieces(data: bytes) -> Iterator[memoryview]:
    """The contents of the IDAT chunks, of which the pixels are one packed stream."""
    view, at = memoryview(data), _FIRST_CHUNK
    while at + 8 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"IDAT":
            end = min(at + 8 + length, len(data))
            yield from (view[start : min(start + _PIECE_BYTES, end)] for start in range(at + 8, end, _PIECE_BYTES))
        at += length + 12
