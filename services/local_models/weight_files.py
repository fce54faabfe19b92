"""How much memory the weights of a folder take, as they are stored or with smaller numbers."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_config.runtime_config import Quantisation

_LONGEST_HEADER: Final = 100 << 20  # bytes, as in the definition of the format
# Quantising is for the matrices of linear layers; tables of embeddings, and the last layer that shares one, stay.
_KEPT: Final = ("embed", "lm_head")
_ROW_BYTES: Final = 5  # a scale and a zero point for each row of a matrix


def weight_bytes(folder: Path, quant: Quantisation = "none") -> int:
    """Bytes in memory of all safetensors files that lie directly in `folder`."""
    files = [file for file in folder.glob("*.safetensors") if file.is_file()]
    match quant:
        case "none":
            return sum(file.stat().st_size for file in files)
        case "int8":
            return sum(_int8_bytes(file) for file in files)


def _int8_bytes(file: Path) -> int:
    try:
        return sum(_tensor_bytes(name, tensor) for name, tensor in _header(file).items() if name != "__metadata__")
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return file.stat().st_size  # a damaged file: whoever loads it will tell


def _header(file: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors: the length of a JSON object in eight bytes, then the object."""
    with file.open("rb") as reader:
        length = int.from_bytes(reader.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("The header is longer than the format allows.")
        return cast("dict[str, Any]", json.loads(reader.read(length)))


def _tensor_bytes(name: str, tensor: dict[str, Any]) -> int:
    shape, (start, end) = cast("list[int]", tensor["shape"]), cast("list[int]", tensor["data_offsets"])
    if len(shape) == 2 and name.endswith(".weight") and not any(part in name for part in _KEPT):
        return prod(shape) + shape[0] * _ROW_BYTES
    return end - start
