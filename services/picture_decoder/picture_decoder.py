"""What a picture decoder is: the bytes of a picture file in, pixels, facts or a thumbnail out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.world_engine.world_engine import Picture

PictureFormat: TypeAlias = Literal["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"]

PICTURE_SUFFIXES: Final[Mapping[PictureFormat, str]] = MappingProxyType(
    {
        "JPEG": ".jpg",
        "PNG": ".png",
        "WEBP": ".webp",
        "AVIF": ".avif",
        "GIF": ".gif",
        "BMP": ".bmp",
        "TIFF": ".tif",
    }
)
MEDIA_TYPES: Final[Mapping[PictureFormat, str]] = MappingProxyType(
    {name: f"image/{name.lower()}" for name in PICTURE_SUFFIXES}
)


class PictureFault(StrEnum):
    """Why a file gives no picture."""

    EMPTY = "empty"
    NOT_A_PICTURE = "not_a_picture"  # damaged, cut short, or of a kind that is not read here
    TOO_LARGE = "too_large"  # more pixels, or more work, than the server takes on


class PictureError(ValueError):
    """A file that gives no picture. `str()` of it is a sentence for the person who sent it."""

    def __init__(self, code: PictureFault, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class PictureFactsPayload:
    """What the head of a picture file says. Pixels, as the picture is looked at: after its EXIF orientation."""

    width: int
    height: int
    format: PictureFormat
    suffix: str  # with the dot, ".jpg"; of the format, whatever the file was called

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]


class PictureDecoder(Protocol):
    """Every method blocks, is safe to call from several threads, and raises `PictureError` alone."""

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        """The middle of the picture, scaled to fill `width` x `height` pixels: uint8 [height, width, 3], sRGB."""
        ...

    def describe(self, data: bytes) -> PictureFactsPayload:
        """Read the head of the file alone: the pixels may still turn out to be damaged."""
        ...

    def thumbnail(self, data: bytes, *, max_width: int) -> bytes:
        """The whole picture as a JPEG, at most `max_width` wide and twice as high; never enlarged."""
        ...
