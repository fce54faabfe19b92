"""A video encoder whose access units say which frame they are of, and at which tuning."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.video_encoder.video_encoder import AccessUnit, VideoEncoderError, VideoShape, VideoTuning
from tests.fakes.fake_world_engine import FakeFrameContent, read_first_row

if TYPE_CHECKING:
    from services.world_engine.world_engine import Frames

_START: Final = b"\x00\x00\x00\x01"
_KEY: Final = b"\x65"
_DELTA: Final = b"\x41"
_HEAD: Final = struct.Struct(">4sIB")  # magic, number within the stream, CRF
_MAGIC: Final = b"FAKE"


@dataclass(frozen=True, slots=True)
class FakeUnitContent:
    """What an access unit says of its frame. `number` counts the frames of its stream, so that a gap is a loss."""

    number: int
    crf: int
    first_row: bytes

    def frame_content(self) -> FakeFrameContent:
        """For a frame that a `FakeWorld` made."""
        return read_first_row(self.first_row)


def read_fake_unit(data: bytes) -> FakeUnitContent:
    body = data[5:]
    if data[:4] != _START or body[:4] != _MAGIC:
        raise ValueError("This is no access unit of the fake encoder.")
    _, number, crf = _HEAD.unpack(body[: _HEAD.size])
    return FakeUnitContent(number, crf, body[_HEAD.size :])


class FakeVideoEncoder:
    """Set `fail` to make the following calls raise it. `opened` lists what was asked for, `streams` what is open."""

    def __init__(self, *, fail: VideoEncoderError | None = None) -> None:
        self.fail = fail
        self.opened: list[VideoTuning] = []
        self.streams: set[FakeVideoStream] = set()
        self._is_closed = False

    async def open(self, shape: VideoShape, tuning: VideoTuning) -> FakeVideoStream:
        await asyncio.sleep(0)  # an encoder always lets others run
        if self.fail is not None:
            raise self.fail
        if self._is_closed or min(shape.width, shape.height) < 16:
            raise VideoEncoderError("The encoder is closed, or the frames are too small.")
        self.opened.append(tuning)
        stream = FakeVideoStream(self, tuning)
        self.streams.add(stream)
        return stream

    def close(self) -> None:
        self._is_closed = True
        for stream in tuple(self.streams):
            stream.close()


class FakeVideoStream:
    def __init__(self, encoder: FakeVideoEncoder, tuning: VideoTuning) -> None:
        self._encoder = encoder
        self._tuning = tuning
        self._number = 0

    async def encode(self, frames: Frames, *, key_frame: bool) -> tuple[AccessUnit, ...]:
        await asyncio.sleep(0)
        if self._encoder.fail is not None:
            self.close()
        if self not in self._encoder.streams:
            raise self._encoder.fail or VideoEncoderError("The stream is closed.")
        return tuple(self._unit(frames, index, key_frame=key_frame) for index in range(len(frames)))

    def close(self) -> None:
        self._encoder.streams.discard(self)

    def _unit(self, frames: Frames, index: int, *, key_frame: bool) -> AccessUnit:
        is_key = self._number == 0 or (key_frame and index == 0)
        head = _HEAD.pack(_MAGIC, self._number, self._tuning.crf)
        self._number += 1
        return AccessUnit(_START + (_KEY if is_key else _DELTA) + head + frames[index, 0].tobytes(), is_key)
