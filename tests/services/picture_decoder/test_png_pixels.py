"""PNG without loss, and what is no such PNG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from services.picture_decoder.png_pixels import PixelsError, decode_pixels, encode_pixels

PICTURE = np.random.default_rng(5).integers(0, 256, (9, 16, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_pixels_come_back_as_they_were() -> None:
    assert np.array_equal(decode_pixels(encode_pixels(PICTURE), width=16, height=9), PICTURE)
    flipped = PICTURE[:, ::-1]
    assert np.array_equal(decode_pixels(encode_pixels(flipped), width=16, height=9), flipped)


def _with_text() -> bytes:
    text = PngInfo()
    text.add_text("a", "b" * 100, zip=True)
    return saved(Image.fromarray(PICTURE), pnginfo=text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_pixels(PICTURE)[:-1],
        encode_pixels(PICTURE) + b"x",
        encode_pixels(PICTURE[:-1]),
        saved(Image.fromarray(PICTURE), "JPEG"),
        saved(Image.fromarray(PICTURE).convert("RGBA")),
        saved(Image.fromarray(PICTURE).convert("P")),
        saved(Image.fromarray(PICTURE), dpi=(72, 72)),
        _with_text(),
    ],
    ids=["empty", "cut", "longer", "another size", "JPEG", "alpha", "palette", "a resolution", "a text"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(PixelsError):
        decode_pixels(data, width=16, height=9)
