"""Files that give no picture are refused with a sentence, before they cost much."""

from __future__ import annotations

import struct
import warnings
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from services.picture_decoder.picture_decoder import (
    PICTURE_SUFFIXES,
    PictureDecoder,
    PictureError,
    PictureFault,
    PictureFormat,
)
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from tests.services.picture_decoder.pictures import (
    compressed_text_chunk,
    jpeg_with_scans,
    jpeg_with_size,
    png,
    png_chunk,
    quadrants,
    save,
)

DECODER: PictureDecoder = PillowPictureDecoder()
FORMATS: tuple[PictureFormat, ...] = tuple(PICTURE_SUFFIXES)


def fault_of(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        DECODER.decode(data, width=96, height=64)
    assert str(caught.value).endswith(".")
    assert "/" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused(name: str, share: float) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = save(Image.fromarray(noise), name)
    error = fault_of(data[: int(len(data) * share)])
    assert error.code is PictureFault.NOT_A_PICTURE
    assert error.__cause__ is not None


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_file_with_flipped_bytes_is_a_picture_or_a_picture_error() -> None:
    rng = np.random.default_rng(11)
    for name in FORMATS:
        clean = save(quadrants(64, 48), name)
        for _ in range(60):
            data = bytearray(clean)
            for at in rng.integers(0, len(data), 4):
                data[at] = rng.integers(0, 256)
            with suppress(PictureError):
                DECODER.describe(bytes(data))
                DECODER.decode(bytes(data), width=96, height=64)


@pytest.mark.parametrize(
    "data",
    [
        b"not a picture at all",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        save(Image.new("RGB", (8, 8)), "PPM"),
        save(Image.new("RGB", (8, 8)), "ICO"),
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x1cftypavif",
        b"BM",
    ],
)
def test_other_files_are_no_pictures(data: bytes) -> None:
    assert fault_of(data).code is PictureFault.NOT_A_PICTURE


def test_a_heic_file_is_called_by_its_name() -> None:
    error = fault_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert error.code is PictureFault.NOT_A_PICTURE
    assert "HEIC" in error.message


def test_an_empty_file() -> None:
    assert fault_of(b"").code is PictureFault.EMPTY


WEBP_BOMB = b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x7f\0\xff\x7f\0" + bytes(40)


@pytest.mark.parametrize(
    "data",
    [
        png(30_000, 30_000),
        png(30_000, 30_000, bit_depth=1, colour=0),
        jpeg_with_size(20_000, 20_000),
        jpeg_with_scans(16_000, 12_000, 1),
        jpeg_with_scans(9_000, 9_000, 500),
        WEBP_BOMB,
    ],
    ids=["png", "1-bit png", "jpeg", "progressive jpeg", "jpeg with many scans", "webp"],
)
def test_a_bomb_is_refused_by_its_head(data: bytes) -> None:
    assert len(data) < 200_000
    assert fault_of(data).code is PictureFault.TOO_LARGE
    with pytest.raises(PictureError):
        DECODER.describe(data)


def test_a_flood_of_small_parts_is_refused() -> None:
    many_chunks = png(8, 8, extra=png_chunk(b"abCd", b"") * 200_000)
    plain = save(quadrants(8, 8), "JPEG")
    many_segments = plain[:2] + b"\xff\xe0\0\x02" * 50_000 + plain[2:]
    for data in (many_chunks, many_segments):
        assert fault_of(data).code is PictureFault.TOO_LARGE


def test_a_file_cannot_flood_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    tags = b"".join(struct.pack("<HHII", 300 + number, 4, 2_000_000, 8) for number in range(500))
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", 500) + tags + bytes(1000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(PictureError):
            PillowPictureDecoder().decode(data, width=96, height=64)
    assert caught == []
    assert capfd.readouterr().err == ""


def test_a_text_bomb_is_refused() -> None:
    data = png(8, 8, extra=compressed_text_chunk(80_000_000))
    assert len(data) < 200_000
    fault_of(data)


def test_a_jpeg_of_two_hundred_megapixels_is_described_and_may_be_decoded() -> None:
    data = jpeg_with_size(16_320, 12_240)
    facts = DECODER.describe(data)
    assert (facts.width, facts.height) == (16_320, 12_240)
    assert DECODER.decode(data, width=96, height=64).shape == (64, 96, 3)


def test_a_jpeg_that_hardly_shrinks_is_bounded_by_what_it_fills_in_memory() -> None:
    data = jpeg_with_size(60_000, 3_000)
    assert DECODER.describe(data).width == 60_000
    with pytest.raises(PictureError) as caught:
        DECODER.decode(data, width=1280, height=1280)
    assert caught.value.code is PictureFault.TOO_LARGE
