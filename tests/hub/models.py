"""Small models in the true layout, for the stand-in hub and for folders."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

from services.model_hub.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL: Final = "owner/name"


def weights(size: int, seed: int = 0) -> bytes:
    """A safetensors file with `size` bytes of one tensor."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + random.Random(seed).randbytes(size)


def small_model(size: int = 200_000) -> dict[str, bytes]:
    return {
        "config.json": b'{"kind": "small"}',
        "transformer/model.safetensors": weights(size),
        "vae/model.safetensors": weights(size // 10, 1),
        "README.md": b"not needed",
    }


def repository(**changes: object) -> Repository:
    told: dict[str, object] = {
        "model_id": MODEL,
        "files": ("config.json", "*/*.safetensors"),
        "size_bytes": 220_000,
        "licence": "MIT",
    }
    return Repository(**{**told, **changes})  # pyright: ignore[reportArgumentType] - of the test's choice


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
