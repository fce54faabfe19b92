"""Large pictures are shrunk while they are read. What comes out is the same as if they had been read as a whole."""

from __future__ import annotations

import sys
import tracemalloc
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from services.picture_decoder.picture_decoder import PictureError, PictureFault
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from tests.services.picture_decoder.pictures import png, save

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.trial

DECODER = PillowPictureDecoder()
WIDTH, HEIGHT = 1501, 1203  # no multiples of anything, and more than a megapixel


def painting(mode: str) -> Image.Image:
    """Slopes, edges and noise, so that encoders use every filter; ever more transparent where there is alpha."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    layers = np.stack([x / WIDTH * 255, y / HEIGHT * 255, 127 + 100 * np.sin(x / 40) * np.cos(y / 60)], axis=-1)
    layers[300:500, 200:900] = (250, 20, 60)
    layers += rng.normal(0, 6, layers.shape)
    image = Image.fromarray(np.clip(layers, 0, 255).astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray((np.clip(layers[..., 0], 0, 255) * 257).astype(np.uint16))
    image = image.convert(mode, dither=Image.Dither.NONE)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(np.clip(255 - x / WIDTH * 200, 0, 255).astype(np.uint8)))
    return image


def as_whole(data: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """By Pillow alone."""
    with Image.open(BytesIO(data)) as image:
        plain = image.convert("RGBA") if image.has_transparency_data else image
        if plain.mode.startswith("I;16"):
            plain = Image.fromarray((np.asarray(plain) >> 8).astype(np.uint8))
        elif plain.mode in ("1", "P"):
            plain = plain.convert("L" if plain.mode == "1" else "RGB")
        scale = min(plain.width / width, plain.height / height)
        left, top = (plain.width - width * scale) / 2, (plain.height - height * scale) / 2
        box = (left, top, plain.width - left, plain.height - top)
        small = plain.resize((width, height), Image.Resampling.LANCZOS, box=box)
        if small.mode == "RGBA":
            ground = Image.new("RGB", small.size, (127, 127, 127))
            return np.asarray(Image.composite(small.convert("RGB"), ground, small.getchannel("A")))
        return np.asarray(small.convert("RGB"))


@pytest.mark.parametrize("size", [(96, 64), (320, 568), (1100, 40), (1400, 1100)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_a_png_read_in_strips_is_the_picture_read_as_a_whole(mode: str, size: tuple[int, int]) -> None:
    data = save(painting(mode), "PNG")
    found = DECODER.decode(data, width=size[0], height=size[1]).astype(int)
    apart = np.abs(found - as_whole(data, *size))
    assert apart.mean() < 1.5
    assert np.percentile(apart, 99) <= 20  # Pillow itself rounds twice, in an order that depends on the size


@pytest.mark.parametrize("colours", [2, 4, 16])
def test_pixels_of_less_than_a_byte_are_read_in_strips(colours: int) -> None:
    data = save(painting("RGB").quantize(colours), "PNG", bits=colours.bit_length() - 1)
    apart = np.abs(DECODER.decode(data, width=96, height=64).astype(int) - as_whole(data, 96, 64))
    assert apart.mean() < 1.5


@pytest.mark.parametrize("options", [{"transparency": 3}, {"transparency": bytes(range(0, 256, 8))}])
def test_transparent_colours_of_a_palette_are_seen_in_strips(options: dict[str, Any]) -> None:
    data = save(painting("RGB").quantize(32), "PNG", **options)
    apart = np.abs(DECODER.decode(data, width=96, height=64).astype(int) - as_whole(data, 96, 64))
    assert apart.mean() < 1.5


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_large_file_that_ends_early_is_refused(share: float) -> None:
    data = save(painting("RGB"), "PNG")
    for broken in (data[: int(len(data) * share)], data[: int(len(data) * share)] + bytes(400)):
        with pytest.raises(PictureError) as caught:
            DECODER.overview(broken, longest=300)
        assert caught.value.code is PictureFault.NOT_A_PICTURE


@pytest.mark.parametrize(
    "data",
    [
        png(8_000, 8_000)[:28] + b"\1" + png(8_000, 8_000)[29:],
        png(8_000, 8_000, bit_depth=16),
        png(70_000, 100),
        save(Image.new("1", (8_000, 8_000)), "TIFF", compression="group4"),
        save(Image.new("L", (8_000, 8_000)), "GIF"),
    ],
    ids=["interlaced", "48 bits", "long", "TIFF", "GIF"],
)
def test_what_cannot_be_read_in_strips_is_refused_earlier(data: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        DECODER.describe(data)
    assert caught.value.code in {PictureFault.TOO_LARGE, PictureFault.NOT_A_PICTURE}


def flat_png(side: int) -> bytes:
    """One colour, so that it takes a few hundred kilobytes."""
    return save(Image.new("RGB", (side, side), (200, 40, 60)), "PNG", compress_level=1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the peak of resident memory")
def test_a_hundred_megapixels_take_a_fraction_of_their_memory() -> None:
    data = flat_png(9_999)
    tracemalloc.start()
    try:
        seen = DECODER.overview(data, longest=896)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen.shape == (896, 896, 3)
    assert np.abs(seen.astype(int) - (200, 40, 60)).max() <= 1
    assert peak < 40_000_000
