"""From stepped frames to the outbox: encoding beside the next step, in order, for the world that is played."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog

from handlers.session.outbox import FramesAnswer, OutgoingPass
from handlers.session.quality import QualityController
from handlers.session.stepped import not_encoded
from services.video_encoder.video_encoder import VideoEncoderError
from wire_protocol import FrameHeader, encode_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.mailbox import TakenControl
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from handlers.session.stepped import WantedFrames
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
_AVERAGE_WEIGHT: Final = 0.2  # of the newest value in the moving averages


class EncoderFailedError(RuntimeError):
    """The encoder failed on many passes in a row."""


@dataclass(frozen=True, slots=True)
class SteppedPass:
    """Frames and what their header says. Times are monotonic seconds; `cap_s` is the capped interval, or None."""

    frames: Frames
    taken: TakenControl
    epoch: int
    started_at: float
    stepped_at: float
    cap_s: float | None


class PassTimer:
    """How long passes take: moving averages in seconds."""

    def __init__(self) -> None:
        self.step_s = 0.0
        self.encode_s = 0.0
        self._interval_s: float | None = None
        self._last_start: float | None = None

    def started(self, now: float) -> None:
        if self._last_start is not None:
            self._interval_s = _blend(self._interval_s or 0.0, now - self._last_start)
        self._last_start = now

    def stepped(self, seconds: float) -> None:
        self.step_s = _blend(self.step_s, seconds)

    def encoded(self, seconds: float) -> None:
        self.encode_s = _blend(self.encode_s, seconds)

    def rest(self) -> None:
        """Play stops: the gap until it goes on is no interval."""
        self._last_start = None

    def interval_s(self, cap_s: float | None) -> float:
        """The interval that clients should pace by; before two passes were measured, the least that it will be."""
        if self._interval_s is not None:
            return self._interval_s
        return max(cap_s or 0.0, self.step_s, self.encode_s)


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
        self._recorder = recorder
        self._jpeg = jpeg
        self._gpu = gpu
        self._clock = clock
        self._metrics = metrics
        self._quality = QualityController(jpeg, frame_height=spec.height)
        self._begin_video: BeginVideo | None = None
        self._video: SessionVideo | None = None
        self._held: SteppedPass | None = None  # until there is room for it
        self._sending_held: asyncio.Task[None] | None = None
        self._encoding: asyncio.Task[None] | None = None
        self._failures = 0  # in a row
        self._next_frame_id = 0
        self._newest: bytes | Picture = b""  # what was made last, as a JPEG or as pixels
        self.timer = PassTimer()
        self.still: Picture | None = None  # the still picture that was shown last, where its pixels are known

    def use_spec(self, spec: WorldSpec) -> None:
        self._spec = spec
        self._quality = QualityController(self._jpeg, frame_height=spec.height)
        self.use_video(self._begin_video)

    def use_video(self, begin: BeginVideo | None) -> SessionVideo | None:
        """Send H.264 as soon as `begin`'s is ready, or JPEGs. It belongs to this stream."""
        if self._video is not None:
            self._video.close()
        self._begin_video = begin
        self._video = None if begin is None else begin(self._spec)
        self._outbox.use_pace(None if self._video is None else 1 / self._spec.pass_interval_s)
        return self._video

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment: frame ids start over, and nothing of the old one is sent any more."""
        self._epoch = epoch
        self._next_frame_id = 0
        self._held = None
        self._outbox.begin_epoch(epoch)
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
        if self._video is None or not self._video.is_ready:
            self._encoding = asyncio.create_task(self._encode_and_post(stepped))
        else:
            self._newest, self.still = stepped.frames[-1], None
            if self._sending_held is None and self._outbox.has_room:
                self._encoding = asyncio.create_task(self._encode_and_post(stepped, self._video))
            else:
                self._hold(stepped)
            await self._record(stepped)
        if stepped.cap_s is None and self.timer.encode_s > self.timer.step_s:
            await self.drain()

    async def answer(self, made: SteppedPass, chosen: Frames, wanted: WantedFrames) -> FramesAnswer:
        """The frames that were asked for of a pass, `chosen`. A recording has all of its frames, in their own size.

        Raises:
            DomainError: they could not be encoded.
            EncoderFailedError: too many passes in a row could not be encoded.
        """
        await self.drain()
        skipped, first = len(made.frames) - len(chosen), self._next_frame_id
        self._next_frame_id += len(made.frames)
        self._newest, self.still = made.frames[-1], None
        await self._record(made)
        header = FrameHeader(
            frame_id=first + skipped,
            client_ts=made.taken.client_ts,
            gen_ms=_ms(made.cap_s or 0.0),
            temporal_compression=len(made.frames),
            epoch=self._epoch,
            t_infer_ms=_ms(made.stepped_at - made.started_at),
        )
        self._metrics.pass_timed("infer", made.stepped_at - made.started_at)
        return await self._answer(header, chosen, wanted)

    async def answer_view(self, wanted: WantedFrames, chosen: Frames) -> FramesAnswer:
        """What is seen before the next pass. Raises: as `answer`."""
        header = FrameHeader(frame_id=self._next_frame_id, client_ts=0.0, gen_ms=0.0, epoch=self._epoch)
        return await self._answer(header, chosen, wanted)

    async def _answer(self, header: FrameHeader, chosen: Frames, wanted: WantedFrames) -> FramesAnswer:
        kind: dict[str, int | str] = {"req_id": wanted.req_id, "height": chosen.shape[1], "width": chosen.shape[2]}
        if wanted.codec == "rgb":
            kind["codec"], parts = "rgb", tuple(frame.tobytes() for frame in chosen)
        else:
            kind["quality"], parts = self._quality.tuning.quality, await self._encode(chosen)
        if not parts:
            await self.drain()
            raise not_encoded()
        return FramesAnswer(wanted.req_id, encode_envelope(header.model_copy(update=kind), parts), len(parts))

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
        self._newest, self.still = b"", None

    async def newest_jpeg(self) -> bytes:
        """What was made last; empty before anything was. Raises: EncoderFailedError."""
        await self.drain()
        if not isinstance(self._newest, bytes):
            jpegs = await self._encode(self._newest[None])
            self._newest = jpegs[0] if jpegs else b""
        return self._newest

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

    async def show_again(self) -> None:
        """Send what was made last once more, for a client that may have lost it. Raises: EncoderFailedError."""
        jpeg = await self.newest_jpeg()
        if jpeg:
            self._send_still(jpeg)

    def _send_still(self, jpeg: bytes) -> None:
        self._newest = jpeg
        header = FrameHeader(frame_id=self._next_frame_id, client_ts=0.0, gen_ms=0.0, epoch=self._epoch)
        self._post(header, (jpeg,), None)

    # ---------------------------------------------------------------------------------------------- passes that wait

    def _hold(self, stepped: SteppedPass) -> None:
        if self._held is not None and self._held.epoch == self._epoch:
            self._next_frame_id += len(self._held.frames)  # so that the client can count what it never got
            self._outbox.pass_dropped()
            self._metrics.pass_replaced()
            if self._video is not None:
                self._video.pass_posted(dropped_another=True)
        self._held = stepped
        if self._sending_held is None:
            self._sending_held = asyncio.create_task(self._send_held())

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
        try:
            return await video.encode(frames)
        except VideoEncoderError as error:
            if video is self._video:
                logger.warning("H.264 failed, so frames are sent as JPEGs", reason=str(error))
                self.use_video(None)
            return None

    async def _record(self, stepped: SteppedPass) -> None:
        """The recording has every pass, and its own quality: what is sent as H.264 follows the link."""
        if self._recorder.is_recording:
            jpegs = await self._encode(stepped.frames)
            if jpegs and stepped.epoch == self._epoch:
                self._recorder.shown(jpegs, self.timer.interval_s(stepped.cap_s))

    async def _encode_and_post(self, stepped: SteppedPass, video: SessionVideo | None = None) -> None:
        began = self._clock.monotonic()
        encoded = None if video is None else await self._encode_video(video, stepped.frames)
        if encoded is None:
            kind, parts = _Kind(quality=self._quality.tuning.quality), await self._encode(stepped.frames)
        else:
            kind, parts = _kind_of(encoded), tuple(unit.data for unit in encoded.units)
        ended = self._clock.monotonic()
        self.timer.encoded(ended - began)
        self._metrics.pass_timed("infer", stepped.stepped_at - stepped.started_at)
        self._metrics.pass_timed("encode", ended - began)
        if stepped.taken.received_at is not None:
            self._metrics.pass_timed("wait", stepped.started_at - stepped.taken.received_at)
        if not parts or stepped.epoch != self._epoch:
            if self._video is not None:
                self._video.want_key_frame()  # the one that was encoded here is not sent
            return
        header = self._header(stepped, kind, began, ended)
        if video is None:
            self._newest = parts[-1]
            self._recorder.shown(parts, header.gen_ms / 1000)
        self._post(header, parts, stepped.taken.received_at)

    def _header(self, stepped: SteppedPass, kind: _Kind, began: float, encoded: float) -> FrameHeader:
        input_at = stepped.started_at if stepped.taken.received_at is None else stepped.taken.received_at
        infer_s, encode_s = stepped.stepped_at - stepped.started_at, encoded - began
        gpu = self._gpu.latest()
        return FrameHeader(
            frame_id=self._next_frame_id,
            client_ts=stepped.taken.client_ts,
            gen_ms=_ms(self.timer.interval_s(stepped.cap_s)),
            temporal_compression=len(stepped.frames),
            vram_used_bytes=-1 if gpu is None else gpu.vram_used_bytes,
            gpu_util_percent=-1 if gpu is None else gpu.util_percent,
            t_infer_ms=_ms(infer_s),
            t_sync_ms=0.0,
            t_enc_ms=_ms(encode_s),
            t_metrics_ms=0.0,
            t_overhead_ms=_ms(max(0.0, encoded - input_at - infer_s - encode_s)),
            quality=kind.quality,
            epoch=stepped.epoch,
            codec=kind.codec,
            key_frame=kind.key_frame,
            crf=kind.crf,
        )

    def _post(self, header: FrameHeader, parts: tuple[bytes, ...], input_received_at: float | None) -> None:
        replaced = self._outbox.post_pass(
            OutgoingPass(
                encode_envelope(header, parts), header.frame_id, len(parts), input_received_at, self._clock.monotonic()
            )
        )
        self._next_frame_id += len(parts)
        if replaced:
            self._metrics.pass_replaced()
        if self._video is None or header.codec is None:
            self._quality.pass_posted(replaced_another=replaced)
        else:
            self._video.pass_posted(dropped_another=False)
        if replaced and self._video is not None:
            self._video.want_key_frame()  # a still picture has pushed out a frame on which the next would build


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the header says of how a pass was encoded."""

    quality: int | None = None
    codec: Literal["h264"] | None = None
    key_frame: bool | None = None
    crf: int | None = None


def _kind_of(encoded: EncodedVideo) -> _Kind:
    return _Kind(codec="h264", key_frame=encoded.units[0].is_key, crf=encoded.crf)


def _blend(average: float, value: float) -> float:
    """`value` itself where there is no average yet."""
    return average + _AVERAGE_WEIGHT * (value - average) if average else value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
