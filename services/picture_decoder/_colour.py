"""Converts any kind of image that Pillow reads to sRGB."""

from __future__ import annotations

from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# The background of transparent parts. It is close to the mean of photographs, so that a model does not take these parts
# for a light or a hole.
_BACKGROUND: Final = (127, 127, 127)
_MAX_PROFILE_BYTES: Final = 8 * 1024 * 1024  # profiles of printing presses have 1 to 3 MB
_PROFILE_SPACE_AT: Final = slice(16, 20)  # the colour space in the header of an ICC profile
_PROFILE_SPACES: Final[Mapping[str, bytes]] = MappingProxyType({"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"})
_WITH_ALPHA: Final = ("RGBA", "LA", "PA", "RGBa", "La")


def resizable(image: Image.Image) -> Image.Image:
    """The image in a mode that can be resampled, which palette indices and 16-bit pixels cannot."""
    match image.mode:
        case "1":
            return image.convert("L")
        case "P" | "PA":
            return image.convert("RGBA" if image.has_transparency_data else "RGB")
        case "L" | "RGB" if "transparency" in image.info:  # one colour means transparent
            return image.convert("LA" if image.mode == "L" else "RGBA")
        case mode if mode.startswith("I;16"):
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        case _:
            return image


def to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Convert to mode RGB in sRGB, with a grey background behind transparent parts.

    `image` comes from `resizable`. `icc_profile` defines its colours; a damaged profile is ignored.
    """
    if image.mode in ("I", "F"):
        image = _grey_of_deep(np.asarray(image, dtype=np.float32))
    if image.mode not in _WITH_ALPHA:
        return _apply_profile(image, icc_profile)
    straight = image.convert("LA") if image.mode == "La" else image
    straight = straight.convert("RGBA")
    colour = _apply_profile(straight.convert("RGB"), icc_profile)
    ground = Image.new("RGB", colour.size, _BACKGROUND)
    return Image.composite(colour, ground, straight.getchannel("A"))


def _grey_of_deep(values: NDArray[np.float32]) -> Image.Image:
    """Convert numbers of unknown range to 8-bit grey, assuming the smallest common range that contains them."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    top = float(values.max())
    white = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), top)
    return Image.fromarray(np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8))


def _apply_profile(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    if icc_profile is None or len(icc_profile) > _MAX_PROFILE_BYTES:
        return image.convert("RGB")
    if icc_profile[_PROFILE_SPACE_AT] != _PROFILE_SPACES.get(image.mode):
        return image.convert("RGB")
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image.convert("RGB")
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - untyped in Pillow
        return ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB") or image.convert("RGB")
    except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):
        # Slightly wrong colours are better than no picture. ImportError: Pillow was built without LittleCMS.
        return image.convert("RGB")
