"""JPEG files of scenes. A generated one says in a comment what it was made from, where desktop clients read it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

_QUALITY: Final = 92
_NO_CHROMA_SUBSAMPLING: Final = 0  # Pillow's name for 4:4:4


class SceneNote(BaseModel):
    """The JSON in the comment. Desktop clients know these names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    biome_version: str  # of the client, or this server's name and version
    image_model: str
    user_prompt: str
    sanitized_prompt: str
    generated_at: float  # seconds since the Unix epoch


def encode_scene(picture: Picture, note: SceneNote | None = None) -> bytes:
    """The picture as a JPEG file, with the note in its COM segment. Blocks."""
    file = io.BytesIO()
    comment = b"" if note is None else note.model_dump_json().encode()
    Image.fromarray(np.ascontiguousarray(picture)).save(
        file, "JPEG", quality=_QUALITY, subsampling=_NO_CHROMA_SUBSAMPLING, comment=comment
    )
    return file.getvalue()
