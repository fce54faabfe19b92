"""Takes an access unit of H.264 in Annex B form apart (ITU-T H.264, 7.3.1 and annex B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

START: Final = b"\x00\x00\x00\x01"  # ours are all of four bytes
_TYPE_MASK: Final = 0x1F
_SEQUENCE: Final = 7
_PICTURE: Final = 8
_DELIMITER: Final = 9


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What a decoder has to know before the first frame. Empty where the access unit brings none."""

    sequence: bytes = b""
    picture: bytes = b""


def parameter_sets(unit: bytes) -> ParameterSets:
    """Those that an access unit brings; the last of each kind."""
    found = {nal[0] & _TYPE_MASK: nal for nal in nal_units(unit)}
    return ParameterSets(found.get(_SEQUENCE, b""), found.get(_PICTURE, b""))


def length_prefixed(unit: bytes, known: ParameterSets) -> bytes:
    """The access unit as MP4 files have it: lengths in place of start codes, without the parameter sets in `known`."""
    left_out = (known.sequence, known.picture)
    return b"".join(
        len(nal).to_bytes(4, "big") + nal
        for nal in nal_units(unit)
        if nal not in left_out and nal[0] & _TYPE_MASK != _DELIMITER
    )


def nal_units(unit: bytes) -> Iterator[bytes]:
    """A start code cannot occur within a unit: encoders put a byte in between."""
    return (nal for nal in unit.split(START) if nal)
