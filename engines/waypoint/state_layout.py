"""Named tensors in one stretch of bytes, in the layout of safetensors, without a copy on either way.

The library of that name makes new memory for what it packs and for what it unpacks. A world's state is nearly a
gigabyte, and the first touch of so much new memory takes seconds.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_DTYPES: Final = MappingProxyType(
    {"U8": torch.uint8, "BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
)
_NAMES: Final = MappingProxyType({dtype: name for name, dtype in _DTYPES.items()})
_LENGTH: Final = 8  # bytes of the number of bytes of the header, little-endian
_ALIGNED: Final = 64
_LARGEST_HEADER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each tensor lies, in their order. `header` comes first."""

    header: bytes
    begins: Mapping[str, int]
    size: int


def layout_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Layout:
    described: dict[str, Any] = {"__metadata__": dict(metadata)}
    at, offsets = 0, dict[str, int]()
    for name, tensor in tensors.items():
        offsets[name] = at
        described[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at := at + tensor.nbytes],
        }
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH + len(text)) % _ALIGNED)
    header = len(text).to_bytes(_LENGTH, "little") + text
    return Layout(header, {name: len(header) + offset for name, offset in offsets.items()}, len(header) + at)


def places_of(layout: Layout, tensors: Mapping[str, Tensor], memory: memoryview) -> dict[str, Tensor]:
    """Where the tensors are to be written, as tensors of their kinds. The header is written by this."""
    memory[: len(layout.header)] = layout.header
    return {name: _view(memory, layout.begins[name], tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def read_layout(memory: memoryview) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors as views of the memory, and the metadata.

    Raises:
        ValueError: the bytes are not in this layout, or some are missing.
        KeyError, TypeError: likewise.
    """
    length = int.from_bytes(memory[:_LENGTH], "little")
    if length > min(_LARGEST_HEADER, len(memory) - _LENGTH):
        raise ValueError("The header is longer than what there is.")
    described: dict[str, Any] = json.loads(bytes(memory[_LENGTH : _LENGTH + length]))
    metadata: dict[str, str] = described.pop("__metadata__")
    start, found, ends = _LENGTH + length, dict[str, "Tensor"](), 0
    for name, one in described.items():
        dtype, shape = _DTYPES[one["dtype"]], [_size(side) for side in one["shape"]]
        begin, end = (_size(offset) for offset in one["data_offsets"])
        if end - begin != math.prod(shape) * dtype.itemsize or end > len(memory) - start:
            raise ValueError("A tensor lies outside of the bytes.")
        found[name], ends = _view(memory, start + begin, shape, dtype), max(ends, end)
    if ends != len(memory) - start:
        raise ValueError("There are more bytes than tensors.")
    return found, metadata


def _size(value: object) -> int:
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError("A number of bytes is no number.")


def _view(memory: memoryview, begin: int, shape: Any, dtype: torch.dtype) -> Tensor:
    count = math.prod(cast("list[int]", shape))
    if not count:
        return torch.empty(tuple(shape), dtype=dtype)
    return torch.frombuffer(memory, dtype=dtype, count=count, offset=begin).reshape(tuple(shape))
