"""The interface of picture decoders: the bytes of a picture file go in; pixels, facts or a thumbnail come out."""

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
    """Why a file cannot be decoded."""

    EMPTY = "empty"
    NOT_A_PICTURE = "not_a_picture"  # damaged, truncated, or of an unsupported format
    TOO_LARGE = "too_large"  # decoding would take more memory or time than the server allows
    TOO_BUSY = "too_busy"  # others are decoded, and this one's turn did not come


class PictureError(ValueError):
    """A file cannot be decoded. `str()` of it is a sentence for the person who sent the file."""

    def __init__(self, code: PictureFault, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class PictureFactsPayload:
    """The facts in the header of a picture file. Width and height are pixels after the EXIF orientation is applied."""

    width: int
    height: int
    format: PictureFormat
    suffix: str  # of the format, such as ".jpg", whatever the file was called

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]


class PictureDecoder(Protocol):
    """Every method blocks, is safe to call from several threads, and raises no exception but `PictureError`."""

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        """Decode, crop to the centre and scale to `width` x `height` pixels: uint8 [height, width, 3], sRGB."""
        ...

    def describe(self, data: bytes) -> PictureFactsPayload:
        """Read the file's header only. The pixels may still turn out to be damaged."""
        ...

    def overview(self, data: bytes, *, longest: int) -> Picture:
        """The whole picture, never enlarged, with at most `longest` pixels on its longer side."""
        ...

    def thumbnail(self, picture: Picture, *, max_width: int) -> bytes:
        """A picture as a JPEG, never enlarged: at most `max_width` pixels wide and twice that high."""
        ...

    def close(self) -> None:
        """Refuse what still waits to be decoded, and all that comes."""
        ...
