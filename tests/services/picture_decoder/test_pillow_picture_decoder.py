"""Every kind of picture file gives the picture that a person sees in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.picture_decoder.picture_decoder import (
    MEDIA_TYPES,
    PICTURE_SUFFIXES,
    PictureDecoder,
    PictureFactsPayload,
    PictureFormat,
)
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from tests.services.picture_decoder.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    corners,
    jpeg_with_size,
    quadrants,
    rotated_by_exif,
    save,
    swapped_profile,
)

DECODER: PictureDecoder = PillowPictureDecoder()
GREY = (127, 127, 127)
FORMATS: tuple[PictureFormat, ...] = tuple(PICTURE_SUFFIXES)


def decoded_corners(data: bytes, *, width: int = 96, height: int = 48) -> tuple[tuple[int, ...], ...]:
    return corners(DECODER.decode(data, width=width, height=height))


def assert_close(found: tuple[tuple[int, ...], ...], *expected: tuple[int, int, int], within: int = 6) -> None:
    assert np.abs(np.array(found) - np.array(expected)).max() <= within, found


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_decoded_and_described(name: PictureFormat) -> None:
    data = save(quadrants(400, 200), name)
    picture = DECODER.decode(data, width=96, height=48)
    assert picture.shape == (48, 96, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    assert_close(corners(picture), RED, GREEN, BLUE, WHITE)
    facts = DECODER.describe(data)
    assert facts == PictureFactsPayload(width=400, height=200, format=name, suffix=PICTURE_SUFFIXES[name])
    assert facts.media_type == MEDIA_TYPES[name]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(name: str, orientation: int) -> None:
    data = rotated_by_exif(orientation, name)
    assert_close(decoded_corners(data), RED, GREEN, BLUE, WHITE)
    facts = DECODER.describe(data)
    assert (facts.width, facts.height) == (400, 200)
    whole = DECODER.overview(data, longest=120)
    assert whole.shape == (60, 120, 3)
    assert_close(corners(whole), RED, GREEN, BLUE, WHITE)
    with Image.open(BytesIO(DECODER.thumbnail(whole, max_width=100))) as thumbnail:
        assert thumbnail.size == (100, 50)
        assert_close(corners(np.asarray(thumbnail)), RED, GREEN, BLUE, WHITE, within=12)


def test_a_large_jpeg_is_turned_after_it_was_scaled_while_decoding() -> None:
    upright = quadrants(4000, 2000)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = save(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    assert_close(decoded_corners(data), RED, GREEN, BLUE, WHITE)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_picture() -> None:
    data = save(quadrants(400, 200), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert_close(decoded_corners(data), RED, GREEN, BLUE, WHITE)


def test_the_middle_is_cut_out_to_the_aspect_asked_for() -> None:
    wide = Image.new("RGB", (400, 100), BLUE)
    wide.paste(RED, (150, 0, 250, 100))
    assert_close(decoded_corners(save(wide, "PNG"), width=50, height=50), RED, RED, RED, RED)
    tall = wide.transpose(Image.Transpose.ROTATE_90)
    assert_close(decoded_corners(save(tall, "PNG"), width=50, height=50), RED, RED, RED, RED)


def test_scaling_down_is_antialiased() -> None:
    stripes = np.zeros((512, 512, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    picture = DECODER.decode(save(Image.fromarray(stripes), "PNG"), width=50, height=50)
    assert np.abs(picture[5:-5, 5:-5].astype(int) - 127).max() < 12


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk(name: str) -> None:
    assert_close(decoded_corners(save(quadrants(400, 200).convert("CMYK"), name)), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_modes(mode: str) -> None:
    picture = DECODER.decode(save(quadrants(400, 200).convert(mode), "PNG"), width=96, height=48)
    assert (picture == picture[..., :1]).all()
    assert corners(picture)[3] == WHITE


DEEP: dict[str, np.dtype[Any]] = {
    "PNG": np.dtype(np.uint16),
    "TIFF": np.dtype(np.uint16),
    "TIFF of 32 bits": np.dtype(np.int32),
    "TIFF of floats": np.dtype(np.float32),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_pixels_keep_their_range(kind: str) -> None:
    ramp = np.linspace(0, 1 if DEEP[kind].kind == "f" else 65535, 256).astype(DEEP[kind])
    data = save(Image.fromarray(np.tile(ramp, (128, 1))), kind.split()[0])
    picture = DECODER.decode(data, width=256, height=128)
    assert np.abs(picture[64, :, 0].astype(int) - np.arange(256)).max() <= 2


def test_transparent_parts_are_laid_on_grey() -> None:
    image = quadrants(400, 200).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 200, 100))
    for name in ("PNG", "WEBP", "TIFF"):
        assert_close(decoded_corners(save(image, name)), GREY, GREEN, BLUE, WHITE)


def test_half_transparent_edges_do_not_take_the_hidden_colour() -> None:
    image = Image.new("RGBA", (64, 64), (*RED, 0))
    image.paste((*GREEN, 255), (0, 0, 32, 64))
    picture = DECODER.decode(save(image, "PNG"), width=8, height=8)
    assert int(picture[..., 0].max()) <= GREY[0] + 2


def test_one_colour_or_palette_entry_may_be_transparent() -> None:
    image = quadrants(400, 200)
    assert_close(decoded_corners(save(image, "PNG", transparency=RED)), GREY, GREEN, BLUE, WHITE)
    palette = image.quantize(4)
    index: Any = palette.getpixel((0, 0))
    for name in ("PNG", "GIF"):
        found = decoded_corners(save(palette, name, transparency=index))
        assert_close(found, GREY, GREEN, BLUE, WHITE)
    assert decoded_corners(save(image.convert("L"), "PNG", transparency=255))[3] == GREY


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_an_animation_shows_its_first_frame(name: str) -> None:
    first, *others = (Image.new("RGB", (40, 20), colour) for colour in (RED, GREEN, BLUE))
    data = save(first, name, save_all=True, append_images=others)
    assert_close(decoded_corners(data), RED, RED, RED, RED)


def test_two_pictures_in_one_jpeg_are_the_first_of_them() -> None:
    data = save(quadrants(400, 200), "MPO", save_all=True, append_images=[Image.new("RGB", (400, 200))])
    assert_close(decoded_corners(data), RED, GREEN, BLUE, WHITE)


def test_colours_are_brought_to_srgb() -> None:
    """The profile says that the first number is green, so what is stored as red looks green."""
    data = save(Image.new("RGB", (40, 20), (255, 0, 0)), "PNG", icc_profile=swapped_profile())
    red, green, _ = decoded_corners(data)[0]
    assert green > 200 > 60 > red


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"x", id="no profile"),
        pytest.param(b"\0" * 16 + b"RGB " + b"\xff" * 200, id="nothing but a colour space"),
        pytest.param(swapped_profile()[:200], id="cut short"),  # it holds the second in which it was made
    ],
)
def test_a_damaged_colour_profile_is_ignored(profile: bytes) -> None:
    data = save(quadrants(400, 200), "PNG", icc_profile=profile)
    assert_close(decoded_corners(data), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (3, 7)])
def test_tiny_and_extreme_shapes(size: tuple[int, int]) -> None:
    for name in ("PNG", "JPEG"):
        data = save(Image.new("RGB", size, RED), name)
        assert_close(decoded_corners(data), RED, RED, RED, RED)
        whole = DECODER.overview(data, longest=200)
        assert max(whole.shape) <= 200
        with Image.open(BytesIO(DECODER.thumbnail(whole, max_width=60))) as thumbnail:
            assert thumbnail.width <= min(60, size[0])
            assert thumbnail.height <= min(120, size[1])


def test_a_file_of_forty_megabytes() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (3000, 4500, 3), dtype=np.uint8)
    data = save(Image.fromarray(noise), "PNG", compress_level=0)
    assert len(data) > 40_000_000
    picture = DECODER.decode(data, width=96, height=64)
    assert np.abs(picture.astype(int) - 127).max() < 60


def test_a_thumbnail_is_never_enlarged() -> None:
    whole = DECODER.overview(save(quadrants(40, 20), "PNG"), longest=300)
    assert whole.shape == (20, 40, 3)
    with Image.open(BytesIO(DECODER.thumbnail(whole, max_width=100))) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.size == (40, 20)


def test_the_process_wide_limits_of_pillow_stay_as_they_were() -> None:
    before = Image.MAX_IMAGE_PIXELS
    DECODER.decode(jpeg_with_size(16_320, 12_240), width=96, height=64)
    assert before == Image.MAX_IMAGE_PIXELS


def test_several_threads_decode_at_a_time() -> None:
    files = [rotated_by_exif(orientation) for orientation in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(decoded_corners, files * 4):
            assert_close(found, RED, GREEN, BLUE, WHITE)
