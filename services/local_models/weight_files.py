"""How much memory the weights of a folder take, as they are stored or with smaller numbers."""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_config.authoring_config import Quantisation

# Quantising is for the matrices of linear layers; tables of embeddings, and the last layer that shares one, stay.
_KEPT: Final = ("embed", "lm_head")
_ROW_BYTES: Final = 5  # a scale and a zero point for each row of a matrix
# Bytes of one number, by the name that the format gives its type.
_WIDTHS: Final = MappingProxyType(
    {
        "BOOL": 1,
        "U8": 1,
        "I8": 1,
        "F8_E4M3": 1,
        "F8_E5M2": 1,
        "I16": 2,
        "F16": 2,
        "BF16": 2,
        "I32": 4,
        "F32": 4,
        "I64": 8,
        "F64": 8,
    }
)


def weight_bytes(folder: Path, quant: Quantisation = "none") -> int:
    """Bytes in memory of all safetensors files that lie directly in `folder`.

    Quantised sizes need the package safetensors; without it, or for a damaged file, a file counts as it is.
    """
    files = [file for file in folder.glob("*.safetensors") if file.is_file()]
    match quant:
        case "none":
            return sum(file.stat().st_size for file in files)
        case "int8":
            return sum(_int8_bytes(file) for file in files)


def _int8_bytes(file: Path) -> int:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        return file.stat().st_size
    try:
        with cast("Any", safe_open)(file, "numpy") as weights:  # reads the header alone
            slices: dict[str, Any] = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 -- no mapping
            return sum(_tensor_bytes(name, one.get_shape(), one.get_dtype()) for name, one in slices.items())
    except (OSError, SafetensorError, KeyError):
        return file.stat().st_size  # whoever loads it will tell what is wrong


def _tensor_bytes(name: str, shape: list[int], kind: str) -> int:
    if len(shape) == 2 and name.endswith(".weight") and not any(part in name for part in _KEPT):
        return prod(shape) + shape[0] * _ROW_BYTES
    return prod(shape) * _WIDTHS[kind]
