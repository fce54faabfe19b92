"""Passes of frames, as they come in binary messages."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from numpy.typing import NDArray
from pydantic import ValidationError

from terrarium_client.errors import DamagedMessageError
from terrarium_client.protocol import FrameHeader

if TYPE_CHECKING:
    from collections.abc import Sequence

Picture: TypeAlias = NDArray[np.uint8]  # [height, width, 3], RGB

_U32: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Pass:
    """Frames that were made in one go, oldest first. A still picture is a pass of one frame."""

    header: FrameHeader
    frames: tuple[Picture, ...]

    @property
    def picture(self) -> Picture:
        """The newest frame."""
        return self.frames[-1]


def read_pass(data: bytes) -> Pass:
    """Read a binary message, and decode its frames.

    Raises:
        DamagedMessageError: it is none, or its frames are encoded as this client cannot decode them.
    """
    header, parts = _split(data)
    match header.codec:
        case "rgb":
            return Pass(header, tuple(_pixels(part, header) for part in parts))
        case None:
            return Pass(header, tuple(_decoded(part) for part in parts))
        case codec:
            raise DamagedMessageError(f"Frames came as {codec}, which this client did not ask for.")


def request_of(data: bytes) -> str | None:
    """The id of the request that a binary message answers."""
    return _split(data)[0].req_id


def _split(data: bytes) -> tuple[FrameHeader, Sequence[bytes]]:
    try:
        (length,) = _U32.unpack_from(data)
        header = FrameHeader.model_validate_json(data[4 : 4 + length])
        at = 4 + length
        (count,) = _U32.unpack_from(data, at)
        at += 4
        parts: list[bytes] = []
        for _ in range(count):
            (size,) = _U32.unpack_from(data, at)
            parts.append(data[at + 4 : at + 4 + size])
            at += 4 + size
    except (struct.error, ValidationError) as error:
        raise DamagedMessageError(f"A binary message of {len(data)} bytes is no pass of frames.") from error
    if at != len(data) or not parts:
        raise DamagedMessageError(f"A pass of frames ends at byte {at}, but its message has {len(data)}.")
    return header, parts


def _pixels(part: bytes, header: FrameHeader) -> Picture:
    shape = (header.height or 0, header.width or 0, 3)
    if len(part) != shape[0] * shape[1] * 3:
        raise DamagedMessageError(f"A frame of {shape[1]}x{shape[0]} came with {len(part)} bytes.")
    return np.frombuffer(part, dtype=np.uint8).reshape(shape)


def _decoded(part: bytes) -> Picture:
    try:
        return np.asarray(simplejpeg.decode_jpeg(part, colorspace="RGB"), dtype=np.uint8)
    except ValueError as error:
        raise DamagedMessageError("A frame came as a JPEG that cannot be decoded.") from error
