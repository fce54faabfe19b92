"""A frame encoder whose JPEGs say which frame they are of."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.frame_encoder.frame_encoder import EncodeTuning
from tests.fakes.fake_world_engine import FakeFrameContent, read_first_row

if TYPE_CHECKING:
    from services.world_engine.world_engine import Frames

_SOI: Final = b"\xff\xd8"
_COMMENT: Final = b"\xff\xfe"
_EOI: Final = b"\xff\xd9"
_HEAD: Final = struct.Struct(">4sBHHBB")  # magic, index in the pass, height, width, quality, is 4:4:4
_MAGIC: Final = b"FAKE"


@dataclass(frozen=True, slots=True)
class FakeJpegContent:
    """What a JPEG of `FakeFrameEncoder` says of its frame. `first_row` is the bytes of the frame's first row."""

    index: int
    height: int
    width: int
    tuning: EncodeTuning
    first_row: bytes

    def frame_content(self) -> FakeFrameContent:
        """For a frame that a `FakeWorld` made."""
        return read_first_row(self.first_row)


def read_fake_jpeg(jpeg: bytes) -> FakeJpegContent:
    """Read a JPEG of `FakeFrameEncoder`: start marker, one comment, end marker."""
    body = jpeg[6:-2]
    if jpeg[:4] != _SOI + _COMMENT or body[:4] != _MAGIC:
        raise ValueError("This is no picture of the fake encoder.")
    _, index, height, width, quality, is_444 = _HEAD.unpack(body[: _HEAD.size])
    return FakeJpegContent(
        index=index,
        height=height,
        width=width,
        tuning=EncodeTuning(quality, "4:4:4" if is_444 else "4:2:0"),
        first_row=body[_HEAD.size :],
    )


class FakeFrameEncoder:
    """Set `hold` to keep calls waiting until the event is set, `fail` to make the following ones raise it.

    `entered` is set as soon as a call is inside; `tunings` lists what every call asked for.
    """

    def __init__(self, *, hold: asyncio.Event | None = None, fail: Exception | None = None) -> None:
        self.hold = hold
        self.threads: int | None = None
        self.fail = fail
        self.entered = asyncio.Event()
        self.tunings: list[EncodeTuning] = []
        self.is_closed = False

    async def encode(self, frames: Frames, tuning: EncodeTuning) -> tuple[bytes, ...]:
        if self.is_closed:
            raise RuntimeError("The encoder is closed.")
        self.tunings.append(tuning)
        self.entered.set()
        await asyncio.sleep(0)  # an encoder always lets others run
        if self.hold is not None:
            await self.hold.wait()
        if self.fail is not None:
            raise self.fail
        return tuple(_fake_jpeg(frames, index, tuning) for index in range(len(frames)))

    def use_threads(self, count: int | None) -> None:
        """It has none."""
        self.threads = count

    def close(self) -> None:
        self.is_closed = True


def _fake_jpeg(frames: Frames, index: int, tuning: EncodeTuning) -> bytes:
    _, height, width, _ = frames.shape
    head = _HEAD.pack(_MAGIC, index, height, width, tuning.quality, tuning.subsampling == "4:4:4")
    comment = head + frames[index, 0].tobytes()
    length = struct.pack(">H", len(comment) + 2)
    return _SOI + _COMMENT + length + comment + _EOI
