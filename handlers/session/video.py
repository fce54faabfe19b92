"""One H.264 of a session: the stream in use, the next one at another quality, and where a key frame is due."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from handlers.session.quality import VideoQuality
from services.video_encoder.video_encoder import AccessUnit, VideoEncoderError, VideoShape

if TYPE_CHECKING:
    from runtime_config.current import Current
    from runtime_config.runtime_config import VideoConfig
    from services.video_encoder.video_encoder import VideoEncoder, VideoStream, VideoTuning
    from services.world_engine.world_engine import Frames, WorldSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """A pass as access units, and the CRF that they were encoded at."""

    units: tuple[AccessUnit, ...]
    crf: int


class SessionVideo:
    """Frames of one size. Touched by the event loop's thread alone.

    A stream is opened beside play, and used when it is ready: until then, and where it cannot be opened, frames go as
    JPEGs.
    """

    def __init__(self, spec: WorldSpec, encoder: VideoEncoder, config: Current[VideoConfig]) -> None:
        self._shape = VideoShape(spec.width, spec.height, spec.fps)
        self._encoder = encoder
        self._quality = VideoQuality(config)
        self._stream: VideoStream | None = None
        self._next: tuple[VideoStream, VideoTuning] | None = None
        self._tuning = self._asked = self._quality.tuning
        self._key_wanted = True
        self._is_hurried = False
        self._opening = asyncio.create_task(self._open(self._asked))

    @property
    def is_ready(self) -> bool:
        return self._stream is not None or self._next is not None

    @property
    def has_failed(self) -> bool:
        """Whether there is no stream, and none is being opened."""
        return self._opening.done() and not self.is_ready

    @property
    def is_finest(self) -> bool:
        """Whether the link takes the best quality, so that hardly a pass is left out for it."""
        return self._quality.is_finest

    async def opened(self) -> bool:
        """Whether there is a stream, once that is known."""
        await asyncio.wait({self._opening})
        return self.is_ready

    def want_key_frame(self) -> None:
        """What was encoded last does not reach the client, or it could not use it."""
        self._key_wanted = True

    def hurry_key_frame(self) -> None:
        """The same for a client that waits for it: it is the newest frame of the pass in hand, or of the next."""
        self._key_wanted = self._is_hurried = True

    def pass_posted(self, *, dropped_another: bool) -> None:
        """Count a pass for the quality. Another quality needs another stream, which is opened beside play."""
        self._quality.pass_posted(dropped_another=dropped_another)
        wanted = self._quality.tuning
        if wanted != self._asked and self._opening.done():
            self._asked = wanted
            self._opening = asyncio.create_task(self._open(wanted))

    async def encode(self, frames: Frames) -> EncodedVideo:
        """An access unit for each frame; where a key frame is in a hurry, that one alone, of the newest frame.

        Raises:
            VideoEncoderError: there is no stream, or it failed.
        """
        if self._next is not None:
            if self._stream is not None:
                self._stream.close()
            (self._stream, self._tuning), self._next = self._next, None
        if self._stream is None:
            raise VideoEncoderError("There is no stream.")
        stream, units, at = self._stream, list[AccessUnit](), 0
        while at < len(frames):
            if self._is_hurried:
                units, at = [], len(frames) - 1  # nothing that comes builds on what is left out
            key_frame, self._key_wanted, self._is_hurried = self._key_wanted, False, False
            units += await stream.encode(frames[at : at + 1], key_frame=key_frame)
            at += 1
        return EncodedVideo(tuple(units), self._tuning.crf)

    def close(self) -> None:
        """Give the streams back. What is being encoded fails."""
        self._opening.cancel()
        for stream in (self._stream, None if self._next is None else self._next[0]):
            if stream is not None:
                stream.close()
        self._stream = self._next = None

    async def _open(self, tuning: VideoTuning) -> None:
        try:
            stream = await self._encoder.open(self._shape, tuning)
        except VideoEncoderError as error:
            logger.warning("H.264 cannot be encoded", reason=str(error), crf=tuning.crf)
            return
        if self._next is not None:
            self._next[0].close()
        self._next = stream, tuning
