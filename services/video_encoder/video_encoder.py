"""The interface of video encoders: frames of one picture size go in, one access unit of H.264 per frame comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.world_engine.world_engine import Frames


class VideoEncoderError(RuntimeError):
    """There is no working encoder, or the one of a stream failed."""


@dataclass(frozen=True, slots=True)
class VideoShape:
    """The frames of a stream. Sizes in pixels; an odd one loses its last row or column. `fps` is the usual pace."""

    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class VideoTuning:
    """The quality of a stream, as constant as `max_bit_s` allows. `crf` is x264's scale: 18 is fine, 40 is coarse."""

    crf: int
    max_bit_s: int


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded frame in Annex B form. A key frame needs no other one, and brings its own parameter sets."""

    data: bytes
    is_key: bool


class VideoStream(Protocol):
    """Encodes the frames of one client, each on top of those before. Calls follow one another."""

    async def encode(self, frames: Frames, *, key_frame: bool) -> tuple[AccessUnit, ...]:
        """One access unit per sub-frame, in order, none held back. `key_frame`: the first one needs no other frame.

        `frames` is not modified, and not used after the return. A cancelled call leaves the stream in an unknown
        state: close it.

        Raises:
            VideoEncoderError: the stream has failed, and stays so.
        """
        ...

    def close(self) -> None:
        """Give back everything, without waiting. Idempotent."""
        ...


class VideoEncoder(Protocol):
    async def open(self, shape: VideoShape, tuning: VideoTuning) -> VideoStream:
        """A stream that is ready to encode at once. Its first frame is a key frame. The caller closes it.

        A cancelled call leaves nothing open.

        Raises:
            VideoEncoderError: this machine cannot encode frames of that shape.
        """
        ...

    def close(self) -> None:
        """Close what is still open."""
        ...
