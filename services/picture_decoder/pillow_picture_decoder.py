"""Decodes picture files with Pillow, within bounds on memory and work, so that hostile files do no harm."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

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

from services.picture_decoder._file_headers import (
    JpegScans,
    is_heic,
    jpeg_scans,
    picture_format,
    refuse_many_png_chunks,
    webp_canvas,
)
from services.picture_decoder._rendering import (
    MAX_SIDE,
    MAX_STRIPPED_PIXELS,
    MAX_WHOLE_PIXELS,
    MEGAPIXEL,
    Box,
    Size,
    is_read_in_strips,
    refuse_above,
    render,
)
from services.picture_decoder.picture_decoder import (
    PICTURE_SUFFIXES,
    PictureError,
    PictureFactsPayload,
    PictureFault,
    PictureFormat,
)
from services.picture_decoder.pixel_budget import PixelBudget, PixelBudgetExceededError

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
_MAX_JPEG_PIXELS: Final = 220 * MEGAPIXEL  # for files that are scaled down while they are read
_MAX_BUFFERED_PIXELS: Final = 100 * MEGAPIXEL  # for those that are, and yet kept as a whole: three bytes for each
_MAX_SCANNED_PIXELS: Final = 2_500 * MEGAPIXEL  # pixels times scans: a second or two of work
PIXELS_AT_A_TIME: Final = MAX_WHOLE_PIXELS
_THUMBNAIL_QUALITY: Final = 82
_THUMBNAIL_GAP: Final = 3.0

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


class PillowPictureDecoder:
    """A `PictureDecoder`. An animation yields its first frame."""

    def __init__(self, budget: PixelBudget | None = None) -> None:
        """`budget` is shared by all that decode in this process; without one, this decoder has its own."""
        # Pillow warns about each oddity in a file, so one file could log thousands of lines. The filter applies to the
        # whole process, because `catch_warnings` is not thread-safe, but only to Pillow's modules.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        self._budget = budget or PixelBudget(PIXELS_AT_A_TIME)

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        with _faults_as_picture_errors(), _open(data) as image:
            return self._render(image, data, (width, height), _centre_crop)

    def overview(self, data: bytes, *, longest: int) -> Picture:
        with _faults_as_picture_errors(), _open(data) as image:
            width, height = _upright_size(image)
            return self._render(image, data, _within((width, height), longest, longest), _whole)

    def describe(self, data: bytes) -> PictureFactsPayload:
        with _faults_as_picture_errors(), _open(data) as image:
            width, height = _upright_size(image)
        name = _format_of(data)
        return PictureFactsPayload(width=width, height=height, format=name, suffix=PICTURE_SUFFIXES[name])

    def thumbnail(self, picture: Picture, *, max_width: int) -> bytes:
        height, width, _ = picture.shape
        size = _within((width, height), max_width, 2 * max_width)
        small = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=_THUMBNAIL_GAP)
        return simplejpeg.encode_jpeg(
            _pixels(small), quality=_THUMBNAIL_QUALITY, colorspace="RGB", colorsubsampling="420"
        )

    def close(self) -> None:
        self._budget.close()

    def _render(
        self, image: ImageFile.ImageFile, data: bytes, upright: Size, crop: Callable[[Size, Size], Box]
    ) -> Picture:
        turn = _orientation(image)
        stored = (upright[1], upright[0]) if turn in _SWAPS_AXES else upright
        small = render(image, data, stored, crop, self._budget)
        return _pixels(small.transpose(_TURNS[turn]) if turn in _TURNS else small)


@contextmanager
def _faults_as_picture_errors() -> Generator[None]:
    try:
        yield
    except PictureError:
        raise
    except PixelBudgetExceededError as error:
        message = "The server is busy with other pictures. Try again in a minute."
        raise PictureError(PictureFault.TOO_BUSY, message) from error
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
        refuse_above(canvas, MAX_WHOLE_PIXELS)
    scans = jpeg_scans(data) if name == "JPEG" else None
    image = _READERS[name](BytesIO(data))
    refuse_above(image.size, _max_pixels(image, data, scans))
    if is_read_in_strips(image, data) and max(image.size) > MAX_SIDE:
        raise PictureError(PictureFault.TOO_LARGE, f"The picture is longer than the {MAX_SIDE} pixels that are read.")
    if scans and image.width * image.height * scans.count > _MAX_SCANNED_PIXELS:
        raise PictureError(PictureFault.TOO_LARGE, "This JPEG file would take too long to decode.")
    return image


def _max_pixels(image: ImageFile.ImageFile, data: bytes, scans: JpegScans | None) -> int:
    if scans is not None:
        return _MAX_BUFFERED_PIXELS if scans.is_buffered else _MAX_JPEG_PIXELS
    return MAX_STRIPPED_PIXELS if is_read_in_strips(image, data) else MAX_WHOLE_PIXELS


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


def _upright_size(image: ImageFile.ImageFile) -> Size:
    width, height = image.size
    return (height, width) if _orientation(image) in _SWAPS_AXES else (width, height)


def _within(size: Size, max_width: int, max_height: int) -> Size:
    """The size of the whole picture within those bounds; it is never enlarged."""
    scale = min(1.0, max_width / size[0], max_height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _whole(source: Size, target: Size) -> Box:
    del target
    return (0.0, 0.0, float(source[0]), float(source[1]))


def _centre_crop(source: Size, target: Size) -> Box:
    """The largest box in the middle of `source` with the aspect of `target`."""
    scale = min(source[0] / target[0], source[1] / target[1])
    left, top = (source[0] - target[0] * scale) / 2, (source[1] - target[1] * scale) / 2
    return (max(0.0, left), max(0.0, top), min(source[0], source[0] - left), min(source[1], source[1] - top))


def _pixels(image: Image.Image) -> Picture:
    return np.array(image, dtype=np.uint8, order="C")
