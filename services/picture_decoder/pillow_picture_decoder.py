"""Decodes picture files with Pillow, within bounds on memory and work, so that hostile files do no harm."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from services.picture_decoder._colour import resizable, to_srgb
from services.picture_decoder._file_headers import (
    JpegScans,
    is_heic,
    jpeg_scans,
    picture_format,
    refuse_many_png_chunks,
    webp_canvas,
)
from services.picture_decoder.picture_decoder import (
    PICTURE_SUFFIXES,
    PictureError,
    PictureFactsPayload,
    PictureFault,
    PictureFormat,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from services.world_engine.world_engine import Picture

# The readers are called directly instead of through Image.open. So no other parser can be reached. Pillow's
# process-wide pixel limit need not be changed either: it would refuse large JPEGs that draft mode decodes at an eighth.
_READERS: Final[Mapping[PictureFormat, Callable[[BytesIO], ImageFile.ImageFile]]] = MappingProxyType(
    {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
    }
)
_MEGAPIXEL: Final = 1_000_000
_MAX_PIXELS: Final = 100 * _MEGAPIXEL  # in memory at a time
_MAX_COPIED_PIXELS: Final = 50 * _MEGAPIXEL  # for formats whose libraries keep a copy of their own
_MAX_JPEG_PIXELS: Final = 220 * _MEGAPIXEL  # for files that are scaled down while they are read
_MAX_SCANNED_PIXELS: Final = 2_500 * _MEGAPIXEL  # pixels times scans: a second or two of work
_REDUCING_GAP: Final = 2.0  # cheap box averaging down to twice the target size, then Lanczos
_THUMBNAIL_QUALITY: Final = 82

_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final[Mapping[int, Image.Transpose]] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_SWAPS_AXES: Final = (5, 6, 7, 8)

_Size: TypeAlias = tuple[int, int]  # width, height
_Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom


class PillowPictureDecoder:
    """A `PictureDecoder` without state. An animation yields its first frame."""

    def __init__(self) -> None:
        # Pillow warns about each oddity in a file, so one file could log thousands of lines. The filter applies to the
        # whole process, because `catch_warnings` is not thread-safe, but only to Pillow's modules.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        with _faults_as_picture_errors(), _open(data) as image:
            turn = _orientation(image)
            size = (height, width) if turn in _SWAPS_AXES else (width, height)
            return _pixels(_render(image, size, turn, _centre_crop))

    def describe(self, data: bytes) -> PictureFactsPayload:
        with _faults_as_picture_errors(), _open(data) as image:
            width, height = _upright_size(image)
        name = _format_of(data)
        return PictureFactsPayload(width=width, height=height, format=name, suffix=PICTURE_SUFFIXES[name])

    def thumbnail(self, data: bytes, *, max_width: int) -> bytes:
        with _faults_as_picture_errors(), _open(data) as image:
            turn = _orientation(image)
            width, height = _upright_size(image)
            scale = min(1.0, max_width / width, 2 * max_width / height)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            stored = (size[1], size[0]) if turn in _SWAPS_AXES else size
            picture = _pixels(_render(image, stored, turn, _whole))
            return simplejpeg.encode_jpeg(picture, quality=_THUMBNAIL_QUALITY, colorspace="RGB", colorsubsampling="420")


@contextmanager
def _faults_as_picture_errors() -> Generator[None]:
    try:
        yield
    except PictureError:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(PictureFault.TOO_LARGE, "The picture is too large for the server.") from error
    except Exception as error:  # parsers may raise anything on hostile bytes
        raise PictureError(
            PictureFault.NOT_A_PICTURE, "The picture file cannot be read: it is damaged or incomplete."
        ) from error


def _format_of(data: bytes) -> PictureFormat:
    if not data:
        raise PictureError(PictureFault.EMPTY, "The picture file is empty.")
    name = picture_format(data)
    if name is None:
        reason = (
            "HEIC pictures are not supported" if is_heic(data) else "This is not a picture that the server can read"
        )
        raise PictureError(PictureFault.NOT_A_PICTURE, f"{reason}. Please use a JPEG, PNG, WebP or AVIF file.")
    return name


def _open(data: bytes) -> ImageFile.ImageFile:
    """Read the file's header, and refuse files that would take too much memory or time to decode."""
    name = _format_of(data)
    if name == "PNG":
        refuse_many_png_chunks(data)
    if name == "WEBP" and (canvas := webp_canvas(data)) is not None:
        _refuse_above(canvas, _MAX_COPIED_PIXELS)
    scans = jpeg_scans(data) if name == "JPEG" else None
    image = _READERS[name](BytesIO(data))
    _refuse_above(image.size, _max_pixels(name, scans))
    if scans and image.width * image.height * scans.count > _MAX_SCANNED_PIXELS:
        raise PictureError(PictureFault.TOO_LARGE, "This JPEG file would take too long to decode.")
    return image


def _max_pixels(name: PictureFormat, scans: JpegScans | None) -> int:
    if scans is not None and not scans.is_buffered:
        return _MAX_JPEG_PIXELS
    return _MAX_COPIED_PIXELS if name in ("WEBP", "AVIF") else _MAX_PIXELS


def _refuse_above(size: _Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            PictureFault.TOO_LARGE,
            f"The picture has {width} x {height} pixels, more than the {max_pixels // _MEGAPIXEL} megapixels"
            " that the server decodes.",
        )


def _orientation(image: ImageFile.ImageFile) -> int:
    """The EXIF orientation that is still to be applied, 1 to 8."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1  # Pillow applies it itself: to the size when opening, to the pixels when loading
    exif = image.info.get("exif")
    if not isinstance(exif, bytes):
        return 1
    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - a picture with damaged EXIF data is still a picture
        return 1
    return value if value in _TURNS else 1


def _upright_size(image: ImageFile.ImageFile) -> _Size:
    width, height = image.size
    return (height, width) if _orientation(image) in _SWAPS_AXES else (width, height)


def _render(image: ImageFile.ImageFile, size: _Size, turn: int, crop: Callable[[_Size, _Size], _Box]) -> Image.Image:
    """Decode, crop and scale to `size` (before the EXIF rotation), convert to sRGB, and rotate upright."""
    image.draft(None, (int(size[0] * _REDUCING_GAP), int(size[1] * _REDUCING_GAP)))
    _refuse_above(image.size, _MAX_PIXELS)
    image.load()
    profile = image.info.get("icc_profile")
    plain = resizable(image)
    small = plain.resize(size, Image.Resampling.LANCZOS, box=crop(plain.size, size), reducing_gap=_REDUCING_GAP)
    upright = to_srgb(small, profile if isinstance(profile, bytes) else None)
    return upright.transpose(_TURNS[turn]) if turn in _TURNS else upright


def _whole(source: _Size, target: _Size) -> _Box:
    del target
    return (0.0, 0.0, float(source[0]), float(source[1]))


def _centre_crop(source: _Size, target: _Size) -> _Box:
    """The largest box in the middle of `source` with the aspect of `target`."""
    scale = min(source[0] / target[0], source[1] / target[1])
    left, top = (source[0] - target[0] * scale) / 2, (source[1] - target[1] * scale) / 2
    return (max(0.0, left), max(0.0, top), min(source[0], source[0] - left), min(source[1], source[1] - top))


def _pixels(image: Image.Image) -> Picture:
    return np.array(image, dtype=np.uint8, order="C")
