"""What is encoded beside the player's frames: the other form of a pass, for those who have room for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from handlers.session.encoded_passes import EncodedPass, VideoSource
from handlers.session.stepped_pass import PassForm, video_form
from services.video_encoder.video_encoder import VideoEncoderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.encoded_passes import EncodedPasses
    from handlers.session.stepped_pass import NumberedPass, PassHeaders
    from handlers.session.video import SessionVideo
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import EncodeTuning, FrameEncoder
    from services.world_engine.world_engine import WorldSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SideEncoding:
    """The player waits for none of it: a pass that comes while another one waits here takes its place.

    The quality of this H.264 follows those who take it: a pass for which nobody has room counts as dropped.
    """

    def __init__(
        self,
        spec: WorldSpec,
        passes: EncodedPasses,
        headers: PassHeaders,
        *,
        begin_video: Callable[[WorldSpec], SessionVideo],
        encoder: FrameEncoder,
        clock: Clock,
    ) -> None:
        self._spec = spec
        self._passes = passes
        self._headers = headers
        self._begin_video = begin_video
        self._encoder = encoder
        self._clock = clock
        self._video: SessionVideo | None = None
        self._video_failed = False
        self._next: NumberedPass | None = None  # to be encoded as H.264, once somebody has room
        self._encoding_jpegs: asyncio.Task[None] | None = None
        self._encoding_video: asyncio.Task[None] | None = None

    def use_spec(self, spec: WorldSpec) -> None:
        """Frames of another world come from now on."""
        self._spec = spec
        self.stop_video()

    @property
    def makes_video(self) -> bool:
        return self._video is not None and self._video.is_ready

    def jpegs(self, numbered: NumberedPass, tuning: EncodeTuning) -> None:
        """Encode a pass as JPEGs, if anybody takes it."""
        if self._encoding_jpegs is None and self._passes.wants("jpeg"):
            self._encoding_jpegs = asyncio.create_task(self._encode_jpegs(numbered, tuning))

    def video(self, numbered: NumberedPass) -> None:
        """Encode a pass as H.264, if anybody takes it. A stream is opened for the first who does."""
        if not self._passes.has("h264"):
            self.stop_video()
            return
        if self._video is None and not self._video_failed:
            self._video = self._begin_video(self._spec)
        video = self._video
        if video is None or not video.is_ready:
            return
        if self._next is not None and not self._passes.wants("h264"):
            video.pass_posted(dropped_another=True)
        self._next = numbered
        if self._encoding_video is None:
            self._encoding_video = asyncio.create_task(self._encode_next())

    def stop_video(self) -> None:
        """Nobody takes it, or it is of no use. Where it had failed, it may be tried again."""
        self._video_failed = False
        self._next = None
        if self._video is not None:
            self._video.close()
            self._video = None

    async def finish(self) -> None:
        """Give everything back."""
        self.stop_video()
        if self._encoding_video is not None:
            self._encoding_video.cancel()
        encoding = {task for task in (self._encoding_jpegs, self._encoding_video) if task is not None}
        if encoding:
            await asyncio.wait(encoding)

    async def _encode_jpegs(self, numbered: NumberedPass, tuning: EncodeTuning) -> None:
        began = self._clock.monotonic()
        try:
            jpegs = await self._encoder.encode(numbered.stepped.frames, tuning)
        except Exception as error:  # an encoder may raise anything; the player must not suffer for it
            logger.exception("A pass could not be encoded for those who watch", exc_info=error)
            return
        finally:
            self._encoding_jpegs = None
        form = PassForm(began, self._clock.monotonic(), quality=tuning.quality)
        self._passes.publish_jpegs(EncodedPass.of(self._headers.of(numbered, form), jpegs), to_all=False)

    async def _encode_next(self) -> None:
        """Encode what came last, and again while something newer has come: so nobody is left with an old view."""
        try:
            while self._next is not None:
                await self._passes.wanted("h264")
                await self._encode_newest()
        finally:
            self._encoding_video = None

    async def _encode_newest(self) -> None:
        numbered, self._next = self._next, None
        if numbered is not None and self._video is not None:
            await self._encode_video(self._video, numbered)

    async def _encode_video(self, video: SessionVideo, numbered: NumberedPass) -> None:
        began = self._clock.monotonic()
        if self._passes.wants_key_frame(VideoSource.BESIDE):
            video.want_key_frame()
        try:
            encoded = await video.encode(numbered.stepped.frames)
        except VideoEncoderError as error:
            if video is self._video:
                logger.warning("H.264 failed for those who watch, so they get JPEGs", reason=str(error))
                self.stop_video()
                self._video_failed = True
            return
        if video is not self._video:
            return
        video.pass_posted(dropped_another=False)
        form = video_form(encoded, began, self._clock.monotonic())
        units = tuple(unit.data for unit in encoded.units)
        self._passes.publish_video(EncodedPass.of(self._headers.of(numbered, form), units), VideoSource.BESIDE)
