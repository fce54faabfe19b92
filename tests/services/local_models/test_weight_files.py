"""What weights take in memory, from files that are what they say and from files that are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.local_models.weight_files import weight_bytes
from services.machine import is_installed

if TYPE_CHECKING:
    from pathlib import Path


def write(file: Path, shapes: dict[str, list[int]], *, width: int = 2) -> None:
    """A safetensors file of zeros with `width` bytes for a number."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, size = end, width
        for side in shape:
            size *= side
        end = start + size
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


def test_unquantised_weights_take_as_much_as_their_files(tmp_path: Path) -> None:
    write(tmp_path / "model-1.safetensors", {"layer.weight": [64, 32]})
    write(tmp_path / "model-2.safetensors", {"norm.weight": [32]})
    (tmp_path / "other.bin").write_bytes(bytes(1000))
    files = sum(file.stat().st_size for file in tmp_path.glob("*.safetensors"))
    assert weight_bytes(tmp_path) == files
    assert weight_bytes(tmp_path / "nowhere") == 0


@pytest.mark.skipif(not is_installed("safetensors"), reason="without its reader a file counts as it is")
def test_int8_halves_the_matrices_of_layers(tmp_path: Path) -> None:
    shapes = {
        "layers.0.q_proj.weight": [64, 32],
        "layers.0.q_proj.bias": [64],
        "embed_tokens.weight": [1000, 32],
        "lm_head.weight": [1000, 32],
        "patches.weight": [8, 3, 2, 2],
    }
    write(tmp_path / "model.safetensors", shapes)
    kept = 2 * (64 + 1000 * 32 + 1000 * 32 + 8 * 3 * 2 * 2)
    assert weight_bytes(tmp_path, "int8") == kept + 64 * 32 + 64 * 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        (10).to_bytes(8, "little") + b"not JSON!!",
        (2).to_bytes(8, "little") + b"[]",
        (12).to_bytes(8, "little") + b'{"a.weight":',
        (16).to_bytes(8, "little") + b'{"a.weight": {}}',
        (15).to_bytes(8, "little") + b'{"a.weight": 1}',
    ],
)
def test_a_damaged_file_counts_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    assert weight_bytes(tmp_path, "int8") == len(content)
