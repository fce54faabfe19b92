"""Pixels as PNG and back, without any loss."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHUNK: Final = struct.Struct(">I4s")
_HEAD: Final = struct.Struct(">IIBBBBB")
_EIGHT_BIT_RGB: Final = (8, 2, 0, 0, 0)  # depth, colour type, compression, filter, no interlacing
_CHUNKS: Final = frozenset({b"IHDR", b"IDAT", b"IEND"})  # colour profiles and texts would change or burden the pixels


class PixelsError(ValueError):
    """Bytes that are not a PNG as this module writes it. `str()` of it is a sentence."""


def encode_pixels(picture: Picture) -> bytes:
    """The picture as a PNG of 8-bit RGB. Blocks."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", compress_level=3)
    return file.getvalue()


def decode_pixels(data: bytes, *, width: int, height: int) -> Picture:
    """The reverse, for a picture of just that size: what is read is bounded before it is read. Blocks.

    Raises:
        PixelsError: it is damaged, of another size, or another kind of PNG.
    """
    if _size_of(data) != (width, height):
        raise PixelsError(f"A picture in it is not of {width} x {height} pixels.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            pixels = np.array(image, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, MemoryError) as error:  # SyntaxError: how Pillow calls a broken PNG
        raise PixelsError("A picture in it is damaged.") from error
    if pixels.shape != (height, width, 3):
        raise PixelsError("A picture in it is damaged.")
    return pixels


def _size_of(data: bytes) -> tuple[int, int]:
    """Width and height from the head, once every chunk is known to be harmless."""
    if not data.startswith(_SIGNATURE):
        raise PixelsError("A picture in it is no PNG.")
    at, size = len(_SIGNATURE), None
    while at + _CHUNK.size <= len(data):
        length, kind = _CHUNK.unpack_from(data, at)
        if kind not in _CHUNKS or at + _CHUNK.size + length + 4 > len(data):
            raise PixelsError("A picture in it is damaged, or holds more than pixels.")
        if kind == b"IHDR" and size is None and length == _HEAD.size:
            width, height, *form = _HEAD.unpack_from(data, at + _CHUNK.size)
            if tuple(form) != _EIGHT_BIT_RGB:
                raise PixelsError("A picture in it is no PNG of 8-bit RGB.")
            size = (width, height)
        elif size is None or kind == b"IHDR":
            raise PixelsError("A picture in it is damaged.")
        at += _CHUNK.size + length + 4
    if size is None or at != len(data):
        raise PixelsError("A picture in it is damaged.")
    return size
