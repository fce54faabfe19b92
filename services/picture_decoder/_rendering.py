"""From an opened file to a small upright picture in sRGB, within bounds on what is in memory on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, PngImagePlugin

from services.picture_decoder._colour import resizable, to_srgb
from services.picture_decoder._png_strips import is_readable_in_strips, read_reduced, strip_pixels
from services.picture_decoder.picture_decoder import PictureError, PictureFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import ImageFile

    from services.picture_decoder.pixel_budget import PixelBudget

MEGAPIXEL: Final = 1_000_000
MAX_WHOLE_PIXELS: Final = 40 * MEGAPIXEL  # in memory at a time, of four bytes each
MAX_STRIPPED_PIXELS: Final = 100 * MEGAPIXEL  # for files that are read a few rows at a time
MAX_SIDE: Final = 65_500  # of such files: a row is always in memory as a whole, and JPEG allows no more either

_SMALL: Final = MEGAPIXEL  # is read as a whole even where it need not be
_GAP: Final = 2.0  # cheap box averaging down to twice the target size, then Lanczos
_LANCZOS_REACH: Final = 3.0  # pixels of the result

Size: TypeAlias = tuple[int, int]  # width, height
Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom


def is_read_in_strips(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether this file need not be in memory as a whole."""
    is_png = isinstance(image, PngImagePlugin.PngImageFile)
    return is_png and image.width * image.height > _SMALL and is_readable_in_strips(data)


def refuse_above(size: Size, max_pixels: int) -> None:
    """Raises: PictureError, it has more pixels than that."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            PictureFault.TOO_LARGE,
            f"The picture has {width} x {height} pixels, more than the {max_pixels // MEGAPIXEL} megapixels"
            " that the server decodes of such a file.",
        )


def render(
    image: ImageFile.ImageFile, data: bytes, size: Size, crop: Callable[[Size, Size], Box], budget: PixelBudget
) -> Image.Image:
    """Decode, crop and scale to `size` (before the EXIF rotation), and convert to sRGB. Closes `image`.

    Raises:
        PictureError: it fills too much memory at that size.
        PixelBudgetExceededError: its turn did not come.
    """
    profile = image.info.get("icc_profile")
    if is_read_in_strips(image, data):
        small = _in_strips(image, data, size, crop, budget)
    else:
        small = _whole(image, size, crop, budget)
    return to_srgb(small, profile if isinstance(profile, bytes) else None)


def _whole(
    image: ImageFile.ImageFile, size: Size, crop: Callable[[Size, Size], Box], budget: PixelBudget
) -> Image.Image:
    full = image.width * image.height
    image.draft(None, (int(size[0] * _GAP), int(size[1] * _GAP)))
    refuse_above(image.size, MAX_WHOLE_PIXELS)
    with budget.hold(_held_pixels(image, full)), image:
        image.load()
        plain = resizable(image)
        box = crop(plain.size, size)
        small = plain.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=_GAP)
        del plain
    return small


def _held_pixels(image: ImageFile.ImageFile, full: int) -> int:
    """What reading it takes, in pixels of four bytes. `full` is how many the file has, before it is scaled down."""
    own = image.width * image.height
    match image.format:
        case "WEBP" | "AVIF":
            return 3 * own  # the library draws on canvases of its own
        case "JPEG":
            return own + full  # a progressive one is kept as a whole while it is read
        case _:
            return own if image.mode in ("RGB", "L") else 3 * own  # converted, and once more for transparency


def _in_strips(
    image: ImageFile.ImageFile, data: bytes, size: Size, crop: Callable[[Size, Size], Box], budget: PixelBudget
) -> Image.Image:
    box = crop(image.size, size)
    factor = (_factor(box[2] - box[0], size[0]), _factor(box[3] - box[1], size[1]))
    kept_box = _with_surroundings(box, size, image.size)
    left, top, right, bottom = kept_box
    kept_pixels = (right - left) * (bottom - top) // (factor[0] * factor[1])
    with budget.hold(3 * (kept_pixels + strip_pixels(image.width, factor[1]))), image:
        reduced = read_reduced(data, image, kept_box, factor)
        inner = (
            (box[0] - left) / factor[0],
            (box[1] - top) / factor[1],
            (box[2] - left) / factor[0],
            (box[3] - top) / factor[1],
        )
        small = reduced.resize(size, Image.Resampling.LANCZOS, box=inner)
        del reduced
    return small


def _factor(source: float, target: int) -> int:
    """How many pixels are averaged into one before the better filter takes over."""
    return int(source / target / _GAP) or 1


def _with_surroundings(box: Box, size: Size, source: Size) -> tuple[int, int, int, int]:
    """Whole pixels that cover what the filter sees when it makes `size` out of `box`."""
    reach = [_LANCZOS_REACH * (high - low) / target for low, high, target in zip(box[:2], box[2:], size, strict=True)]
    left, top = (max(0, math.floor(low - far)) for low, far in zip(box[:2], reach, strict=True))
    right, bottom = (min(most, math.ceil(high + far)) for high, far, most in zip(box[2:], reach, source, strict=True))
    return left, top, right, bottom
