"""What schemathesis cannot make up: files that are pictures and worlds. The command line loads it by its name."""

from __future__ import annotations

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image

from tests.services.world_files.samples import pack, sample_world


def _picture(kind: str, colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(file, kind)
    return file.getvalue()


_COLOURS = st.tuples(*[st.integers(0, 255)] * 3)

for kind in ("jpeg", "png", "webp"):
    schemathesis.openapi.media_type(f"image/{kind}", _COLOURS.map(lambda colour, kind=kind: _picture(kind, colour)))
schemathesis.openapi.media_type("application/zip", st.integers(1, 4).map(lambda passes: pack(sample_world(passes))))
