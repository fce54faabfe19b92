"""Whether a safetensors file is whole, by its header and its size. No tensor is read.

A file begins with the length of its header, 8 bytes, little-endian. The header is a JSON object: for each tensor its
type, its shape and where its bytes lie, counted from the end of the header. Together they fill the rest of the file.
"""

from __future__ import annotations

import json
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LENGTH_BYTES: Final = 8
_LONGEST_HEADER: Final = 100_000_000  # bytes, the bound of the format
_METADATA: Final = "__metadata__"
# Bits of one number, by the name that the format gives its type. Others are newer than this: their size is not checked.
_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {"BOOL": 8, "F4": 4, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8}
    | {"I16": 16, "U16": 16, "F16": 16, "BF16": 16}
    | {"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64}
)


def what_is_wrong(file: Path) -> str | None:
    """The predicate of a sentence about the file; None: it is whole. Raises: OSError, it cannot be read."""
    size = file.stat().st_size
    data = _header_of(file, size)
    if data is None:
        return "is no safetensors file, or is cut off"
    header = _parsed(data)
    if header is None:
        return "has a header that cannot be read"
    return _what_is_wrong_with(header, size - _LENGTH_BYTES - len(data))


def tensor_names(file: Path) -> frozenset[str]:
    """What its tensors are called; nothing where it is not whole. Raises: OSError, it cannot be read."""
    data = _header_of(file, file.stat().st_size)
    return frozenset(_parsed(data) or ()) - {_METADATA} if data is not None else frozenset()


def _header_of(file: Path, size: int) -> bytes | None:
    """None: the file is too short for one."""
    with file.open("rb") as opened:
        start = opened.read(_LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        if len(start) < _LENGTH_BYTES or not 2 <= length <= min(_LONGEST_HEADER, size - _LENGTH_BYTES):
            return None
        return opened.read(length)


def _parsed(data: bytes) -> Mapping[str, Any] | None:
    try:
        header: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", header) if isinstance(header, dict) else None


def _what_is_wrong_with(header: Mapping[str, Any], size: int) -> str | None:
    """`size` is of the bytes behind the header."""
    spans: list[tuple[int, int]] = []
    for name, tensor in header.items():
        if name == _METADATA:
            continue
        span = _span(tensor)
        if span is None:
            return "has a header that contradicts itself"
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            return "has a header that contradicts itself"
        end = stop
    if end > size:
        return f"is cut off: {end - size} bytes are missing"
    return f"has {size - end} bytes too many" if end < size else None


def _span(tensor: object) -> tuple[int, int] | None:
    """Where a tensor's bytes begin and end; None: what is said of it makes no sense."""
    if not isinstance(tensor, dict):
        return None
    told = cast("dict[str, Any]", tensor)
    shape, span = _whole_numbers(told.get("shape")), _whole_numbers(told.get("data_offsets"))
    if shape is None or span is None or len(span) != 2 or span[0] > span[1]:
        return None
    bits = _BITS.get(str(told.get("dtype")))
    if bits is not None and prod(shape) * bits != (span[1] - span[0]) * 8:
        return None
    return span[0], span[1]


def _whole_numbers(value: object) -> list[int] | None:
    if not isinstance(value, list):
        return None
    numbers = [each for each in cast("list[object]", value) if isinstance(each, int) and not isinstance(each, bool)]
    return numbers if len(numbers) == len(cast("list[object]", value)) and min(numbers, default=0) >= 0 else None
