"""From stepped frames to the outbox: encoding beside the next step, in order, for the world that is played."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from handlers.session.encoded_passes import EncodedPass, VideoSource
from handlers.session.outbox import FramesAnswer, OutgoingPass
from handlers.session.quality import QualityController
from handlers.session.side_encoding import SideEncoding
from handlers.session.stepped import not_encoded
from handlers.session.stepped_pass import NumberedPass, PassForm, PassHeaders, PassTimer, SteppedPass, video_form
from services.video_encoder.video_encoder import VideoEncoderError
from wire_protocol import FrameHeader

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.encoded_passes import EncodedPasses, PassSubscriber
    from handlers.session.newest_seconds import NewestSeconds
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from handlers.session.stepped import WantedFrames
    from handlers.session.stepped_pass import MadePass
    from handlers.session.video import EncodedVideo, SessionVideo
    from runtime_config.current import Current
    from runtime_config.runtime_config import JpegConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.metrics.metrics import Metrics
    from services.system_monitor.gpu_sampler import GpuSampler
    from services.world_engine.world_engine import Frames, Picture, WorldSpec

    BeginVideo: TypeAlias = Callable[[WorldSpec], SessionVideo]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MOST_FAILURES: Final = 8  # passes in a row that the encoder may fail on


class EncoderFailedError(RuntimeError):
    """The encoder failed on many passes in a row."""


class FrameStream:
    """Holds one pass in the encoder at a time, while the actor steps the next one.

    A pass that cannot be encoded is dropped; the world is sound and plays on.

    JPEGs are encoded at once, and an unsent pass gives way to the next one in the outbox. An H.264 frame builds on
    those before, so nothing that was encoded may be dropped: a pass is held as pixels until there is room for it, and
    gives way there. Still pictures are always JPEGs.
    """

    def __init__(
        self,
        spec: WorldSpec,
        epoch: int,
        *,
        encoder: FrameEncoder,
        outbox: Outbox,
        passes: EncodedPasses,
        newest_seconds: NewestSeconds,
        begin_shared_video: BeginVideo,
        recorder: SessionRecorder,
        jpeg: Current[JpegConfig],
        gpu: GpuSampler,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._spec = spec
        self._epoch = epoch
        self._encoder = encoder
        self._outbox = outbox
        self._passes = passes
        self._newest_seconds = newest_seconds
        self._recorder = recorder
        self._jpeg = jpeg
        self._clock = clock
        self._metrics = metrics
        self._quality = QualityController(jpeg, frame_height=spec.height)
        self._begin_video: BeginVideo | None = None
        self._video: SessionVideo | None = None
        self._owes_view = False  # the client may not have what was made last, and nothing has come since
        self._held: NumberedPass | None = None  # until there is room for it
        self._sending_held: asyncio.Task[None] | None = None
        self._encoding: asyncio.Task[None] | None = None
        self._failures = 0  # in a row
        self._next_frame_id = 0
        self._newest: bytes | Picture | None = b""  # what was made last, as a JPEG or as pixels; None: not drawn yet
        self.timer = PassTimer()
        self._headers = PassHeaders(self.timer, gpu)
        self._beside = SideEncoding(
            spec, passes, self._headers, begin_video=begin_shared_video, encoder=encoder, clock=clock
        )
        self.still: Picture | None = None  # the still picture that was shown last, where its pixels are known
        passes.begin_epoch(epoch)

    @property
    def sends_video(self) -> bool:
        """Whether H.264 is sent, or will be as soon as its encoder is ready."""
        return self._video is not None

    @property
    def is_unseen(self) -> bool:
        """Whether the frames of the newest pass were not drawn in their own size: see `seen`."""
        return self._newest is None

    @property
    def is_taken(self) -> bool:
        """Whether somebody beside the client takes passes: a recording, or who watches."""
        return self._recorder.takes_jpegs or self._passes.has("jpeg") or self._passes.has("h264")

    def seen(self, frame: Picture) -> None:
        """The last frame of the newest pass, drawn after all."""
        self._newest = frame

    def use_spec(self, spec: WorldSpec) -> None:
        self._spec = spec
        self._quality = QualityController(self._jpeg, frame_height=spec.height)
        self._beside.use_spec(spec)
        self._newest_seconds.clear()
        self.use_video(self._begin_video)

    def use_video(self, begin: BeginVideo | None) -> SessionVideo | None:
        """Send H.264 as soon as `begin`'s is ready, or JPEGs. It belongs to this stream."""
        if self._video is not None:
            self._video.close()
        self._begin_video = begin
        self._video = None if begin is None else begin(self._spec)
        self._outbox.use_pace(None if self._video is None else 1 / self._spec.pass_interval_s)
        return self._video

    def owe_view(self) -> None:
        """The client may have lost what was made last. The next pass pays it, or `show_owed` once the world rests."""
        self._owes_view = True

    def renew_video(self) -> SessionVideo | None:
        """For a decoder that has lost a frame; None where no H.264 is in use. To be called at any time.

        The stream goes on with a key frame, as another encoder would take its time to start. What is in the encoder
        gives way to it, and no JPEG is sent, which would only hold it up.
        """
        if self._video is None or self._video.has_failed:
            return None
        self._video.hurry_key_frame()
        self._owes_view = True
        return self._video

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment: frame ids start over, and nothing of the old one is sent any more."""
        self._epoch = epoch
        self._next_frame_id = 0
        self._held = None
        self._outbox.begin_epoch(epoch)
        self._passes.begin_epoch(epoch)
        if self._video is not None:
            self._video.want_key_frame()

    async def submit(self, stepped: SteppedPass) -> None:
        """Encode a pass once the one before is with the writer; returns when the encoder has taken it.

        An engine that is faster than the encoder is held up until the pass is encoded, unless passes are capped:
        stepping ahead would only read the input earlier than the frame needs it.

        Raises:
            EncoderFailedError: too many passes in a row could not be encoded.
        """
        await self.drain()
        numbered = NumberedPass(stepped, self._take_ids(len(stepped.frames)))
        video = self._video
        if video is None or not video.is_ready:
            self._beside.video(numbered)
            self._encoding = asyncio.create_task(self._encode_and_post(numbered))
        else:
            self._newest, self.still = stepped.frames[-1], None
            if video.is_finest:
                self._beside.stop_video()
            else:
                self._beside.video(numbered)  # this player's link would leave out too much
            if self._sending_held is None and self._outbox.has_room:
                self._encoding = asyncio.create_task(self._encode_and_post(numbered, video))
            else:
                self._hold(numbered)
            await self._record(numbered)
        if stepped.cap_s is None and self.timer.encode_s > self.timer.step_s:
            await self.drain()

    async def answer(self, made: MadePass, chosen: Frames, wanted: WantedFrames) -> FramesAnswer:
        """The frames that were asked for of a pass, `chosen`. A recording has all of its frames, in their own size.

        A pass without them is one that nobody else takes (`is_taken`).

        Raises:
            DomainError: they could not be encoded.
            EncoderFailedError: too many passes in a row could not be encoded.
        """
        await self.drain()
        first, self._newest, self.still = self._take_ids(made.count), None, None
        self._metrics.pass_timed("infer", made.stepped_at - made.started_at)
        if isinstance(made, SteppedPass):
            self._newest = made.frames[-1]
            numbered = NumberedPass(made, first)
            self._beside.video(numbered)
            await self._record(numbered)
        now = self._clock.monotonic()
        header = self._headers.of_made(made, first, PassForm(now, now))
        skipped = made.count - len(chosen)
        return await self._answer(header.model_copy(update={"frame_id": header.frame_id + skipped}), chosen, wanted)

    async def answer_view(self, wanted: WantedFrames, chosen: Frames) -> FramesAnswer:
        """What is seen before the next pass. Raises: as `answer`."""
        return await self._answer(self._still_header(max(0, self._next_frame_id - 1)), chosen, wanted)

    async def _answer(self, header: FrameHeader, chosen: Frames, wanted: WantedFrames) -> FramesAnswer:
        kind: dict[str, int | str] = {"req_id": wanted.req_id, "height": chosen.shape[1], "width": chosen.shape[2]}
        if wanted.codec == "rgb":
            kind["codec"], parts = "rgb", tuple(frame.tobytes() for frame in chosen)
        else:
            kind["quality"], parts = self._quality.tuning.quality, await self._encode(chosen)
        if not parts:
            await self.drain()
            raise not_encoded()
        encoded = EncodedPass.of(header.model_copy(update=kind), parts)
        return FramesAnswer(wanted.req_id, encoded.envelope, len(parts))

    async def drain(self) -> None:
        """Wait until no pass is being encoded. Raises: EncoderFailedError."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            await encoding
        if self._failures >= _MOST_FAILURES:
            raise EncoderFailedError("The encoder kept failing.")

    async def finish(self) -> None:
        """Wait for the last pass, and drop what was shown."""
        self._held = None
        waited = {task for task in (self._encoding, self._sending_held) if task is not None}
        if self._sending_held is not None:
            self._sending_held.cancel()
        self._encoding = self._sending_held = None
        if waited:
            await asyncio.wait(waited)
        self.use_video(None)
        await self._beside.finish()
        self._newest, self.still = b"", None

    async def newest_jpeg(self) -> bytes:
        """What was made last; empty before anything was, and where it was not drawn. Raises: EncoderFailedError."""
        await self.drain()
        if self._newest is None:
            return b""
        if not isinstance(self._newest, bytes):
            jpegs = await self._encode(self._newest[None])
            self._newest = jpegs[0] if jpegs else b""
        return self._newest

    async def show_newcomer(self, newcomer: PassSubscriber) -> None:
        """Hand what was made last to somebody who has seen nothing yet. Raises: EncoderFailedError."""
        jpeg = await self.newest_jpeg()
        if jpeg:
            newcomer.offer(EncodedPass.of(self._still_header(max(0, self._next_frame_id - 1)), (jpeg,)))

    async def show(self, picture: Picture) -> None:
        """Send a still picture as the frame before the next pass. Raises: EncoderFailedError."""
        await self.drain()
        jpegs = await self._encode(picture[None])
        if jpegs:
            self.show_jpeg(jpegs[0])
        self.still = picture

    def show_jpeg(self, jpeg: bytes) -> None:
        self._recorder.shown((jpeg,), self._spec.pass_interval_s)
        self._send_still(jpeg)
        self.still = None

    async def show_owed(self) -> None:
        """The world rests: send what was made last to a client that may have lost it. Raises: EncoderFailedError."""
        if self._owes_view:
            jpeg = await self.newest_jpeg()
            if jpeg and self._owes_view:  # what was in the encoder may have paid it
                self._send_still(jpeg)

    def _send_still(self, jpeg: bytes) -> None:
        self._newest, self._owes_view = jpeg, False
        self._drop_held()  # it is older than this
        encoded = EncodedPass.of(self._still_header(self._take_ids(1)), (jpeg,))
        self._passes.publish_jpegs(encoded, to_all=True)
        self._post(encoded, None)

    def _still_header(self, frame_id: int) -> FrameHeader:
        return FrameHeader(frame_id=frame_id, client_ts=0.0, gen_ms=0.0, epoch=self._epoch)

    def _take_ids(self, count: int) -> int:
        """The first of so many. A pass that is dropped keeps its own, so that a client can count what it never got."""
        first, self._next_frame_id = self._next_frame_id, self._next_frame_id + count
        return first

    # ---------------------------------------------------------------------------------------------- passes that wait

    def _hold(self, numbered: NumberedPass) -> None:
        self._drop_held()
        self._held = numbered
        if self._sending_held is None:
            self._sending_held = asyncio.create_task(self._send_held())

    def _drop_held(self) -> None:
        held, self._held = self._held, None
        if held is not None and held.stepped.epoch == self._epoch:
            self._outbox.pass_dropped()
            self._metrics.pass_replaced()
            if self._video is not None:
                self._video.pass_posted(dropped_another=True)

    async def _send_held(self) -> None:
        try:
            while self._held is not None:
                await self._outbox.room()
                if self._encoding is not None:
                    await asyncio.wait({self._encoding})
                await self._encode_held()
        finally:
            self._sending_held = None

    async def _encode_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:  # it may have gone with its epoch
            encoding = self._encoding = asyncio.create_task(self._encode_and_post(held, self._video))
            await asyncio.wait({encoding})

    # ------------------------------------------------------------------------------------------------------ encoding

    async def _encode(self, frames: Frames) -> tuple[bytes, ...]:
        """JPEGs of the frames; none where the encoder failed."""
        try:
            jpegs = await self._encoder.encode(frames, self._quality.tuning)
        except Exception as error:  # an encoder may raise anything; the world must not suffer for it
            self._failures += 1
            logger.exception("A pass could not be encoded", in_a_row=self._failures, exc_info=error)
            return ()
        self._failures = 0
        return jpegs

    async def _encode_video(self, video: SessionVideo, frames: Frames) -> EncodedVideo | None:
        """None where it failed: then JPEGs are sent, until somebody asks for H.264 again."""
        is_taken = not self._beside.makes_video and self._passes.wants_key_frame(VideoSource.PLAYER)
        if is_taken or self._newest_seconds.wants_key_frame:
            video.want_key_frame()
        try:
            return await video.encode(frames)
        except VideoEncoderError as error:
            if video is self._video:
                logger.warning("H.264 failed, so frames are sent as JPEGs", reason=str(error))
                self.use_video(None)
            return None

    async def _record(self, numbered: NumberedPass) -> None:
        """A recording of JPEGs has every pass, also those that the link leaves out."""
        if not self._recorder.takes_jpegs:
            self._beside.jpegs(numbered, self._quality.tuning)
            return
        stepped, began, tuning = numbered.stepped, self._clock.monotonic(), self._quality.tuning
        jpegs = await self._encode(stepped.frames)
        if jpegs and stepped.epoch == self._epoch:
            self._recorder.shown(jpegs, self.timer.interval_s(stepped.cap_s))
            form = PassForm(began, self._clock.monotonic(), quality=tuning.quality)
            self._passes.publish_jpegs(EncodedPass.of(self._headers.of(numbered, form), jpegs), to_all=False)

    async def _encode_and_post(self, numbered: NumberedPass, video: SessionVideo | None = None) -> None:
        stepped, began, tuning = numbered.stepped, self._clock.monotonic(), self._quality.tuning
        encoded = None if video is None else await self._encode_video(video, stepped.frames)
        parts = await self._encode(stepped.frames) if encoded is None else tuple(unit.data for unit in encoded.units)
        ended = self._clock.monotonic()
        self._measured(stepped, began, ended)
        if not parts or stepped.epoch != self._epoch:
            if self._video is not None:
                self._video.want_key_frame()  # the one that was encoded here is not sent
            return
        form = PassForm(began, ended, quality=tuning.quality) if encoded is None else video_form(encoded, began, ended)
        header = self._headers.of(numbered, form)
        left_out = stepped.count - len(parts)  # those before the newest, where a key frame was in a hurry
        ready = EncodedPass.of(header.model_copy(update={"frame_id": header.frame_id + left_out}), parts)
        if encoded is None or encoded.units[0].is_key:
            self._owes_view = False
        if video is None:
            self._newest = parts[-1]
            self._recorder.shown(parts, ready.header.gen_ms / 1000)
        if encoded is None:
            self._passes.publish_jpegs(ready, to_all=not self._beside.makes_video)
        elif not self._beside.makes_video:
            self._passes.publish_video(ready, VideoSource.PLAYER)
        self._post(ready, stepped.taken.received_at)

    def _measured(self, stepped: SteppedPass, began: float, ended: float) -> None:
        self.timer.encoded(ended - began)
        self._metrics.pass_timed("infer", stepped.stepped_at - stepped.started_at)
        self._metrics.pass_timed("encode", ended - began)
        if stepped.taken.received_at is not None:
            self._metrics.pass_timed("wait", stepped.started_at - stepped.taken.received_at)

    def _post(self, encoded: EncodedPass, input_received_at: float | None) -> None:
        self._newest_seconds.add(encoded)
        if encoded.header.codec is None:
            encoded = encoded.thinned(self._quality.one_of)
        header, now = encoded.header, self._clock.monotonic()
        replaced = self._outbox.post_pass(
            OutgoingPass(encoded.envelope, header.frame_id, len(encoded.parts), input_received_at, now)
        )
        if replaced:
            self._metrics.pass_replaced()
        if self._video is None or header.codec is None:
            self._quality.pass_posted(replaced_another=replaced)
        else:
            self._video.pass_posted(dropped_another=False)
        if replaced and self._video is not None:
            self._video.want_key_frame()  # a still picture has pushed out a frame on which the next would build
