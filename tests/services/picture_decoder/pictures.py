"""Picture files of every kind, made on the spot."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 210), (255, 255, 255)


def save(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def quadrants(width: int, height: int) -> Image.Image:
    """Red at the upper left, green at the upper right, blue at the lower left, white at the lower right."""
    image = Image.new("RGB", (width, height), WHITE)
    half = (width // 2, height // 2)
    image.paste(RED, (0, 0, *half))
    image.paste(GREEN, (half[0], 0, width, half[1]))
    image.paste(BLUE, (0, half[1], half[0], height))
    return image


def corners(picture: NDArray[np.uint8]) -> tuple[tuple[int, ...], ...]:
    """Colours in the middle of the four quadrants: upper left, upper right, lower left, lower right."""
    height, width, _ = picture.shape
    points = ((y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4))
    return tuple(tuple(int(value) for value in picture[point]) for point in points)


def rotated_by_exif(orientation: int, name: str = "JPEG", **options: Any) -> bytes:
    """A file that is looked at as `quadrants(400, 200)`, and stored turned."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    upright = quadrants(400, 200)
    stored = upright.transpose(undo) if undo is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(stored, name, exif=exif, **options)


def png(
    width: int, height: int, *, bit_depth: int = 8, colour: int = 2, extra: bytes = b"", body: bytes = b""
) -> bytes:
    """A PNG put together by hand, so that its head may lie. `extra` comes before the pixels."""
    head = struct.pack(">IIBBBBB", width, height, bit_depth, colour, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + png_chunk(b"IHDR", head) + extra + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def compressed_text_chunk(size: int) -> bytes:
    """An iTXt chunk of a few kilobytes that unpacks to `size` bytes."""
    return png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"a" * size, 9))


def jpeg_with_size(width: int, height: int) -> bytes:
    """A small JPEG whose head declares another size."""
    data = bytearray(save(quadrants(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_with_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG with its first scan repeated, in a head that declares another size."""
    data = save(quadrants(64, 64), "JPEG", progressive=True)
    frame = data.index(b"\xff\xc2")
    first = data.index(b"\xff\xda")
    second = min(data.index(marker, first + 2) for marker in (b"\xff\xda", b"\xff\xc4") if marker in data[first + 2 :])
    head = data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 : first]
    return head + data[first:second] * scans + b"\xff\xd9"


def swapped_profile() -> bytes:
    """An RGB profile whose first number means green and whose second means red."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - untyped in Pillow
    data = srgb.tobytes()
    data = data.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return data.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
