"""From stepped frames to the outbox: encoding beside the next step, in order, for the world that is played."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from handlers.session.outbox import OutgoingPass
from services.frame_encoder.frame_encoder import EncodeTuning
from wire_protocol import FrameHeader, encode_envelope

if TYPE_CHECKING:
    from handlers.session.mailbox import TakenControl
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from runtime_config.current import Current
    from runtime_config.runtime_config import JpegConfig, Subsampling
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.metrics.metrics import Metrics
    from services.system_monitor.gpu_sampler import GpuSampler
    from services.world_engine.world_engine import Frames, Picture, WorldSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MOST_FAILURES: Final = 8  # passes in a row that the encoder may fail on
_AVERAGE_WEIGHT: Final = 0.2  # of the newest value in the moving averages

# How JPEG quality follows the link: down when passes are replaced unsent, slowly up again when none are.
_WINDOW: Final = 16  # passes over which replacements are counted
_LOWER_AT: Final = 4  # replaced passes in a window: the link is too slow
_STEP_DOWN: Final = 10
_STEP_UP: Final = 5
_CALM_WINDOWS: Final = 4  # windows without any replacement before a step up: rising is slower than falling


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


class QualityController:
    """A window with many replaced passes lowers the quality, some calm windows raise it; in between it stays."""

    def __init__(self, config: Current[JpegConfig], *, frame_height: int) -> None:
        self._config = config
        self._frame_height = frame_height
        self._lowered = 0  # below the best quality, which may change at any time
        self._passes = 0
        self._replaced = 0
        self._calm = 0

    @property
    def tuning(self) -> EncodeTuning:
        best, subsampling, leeway = self._bounds()
        return EncodeTuning(best - min(self._lowered, leeway), subsampling)

    def _bounds(self) -> tuple[int, Subsampling, int]:
        """The best quality, its subsampling, and how far the quality may be lowered."""
        config = self._config.now
        small = self._frame_height < config.small_below_lines
        best = config.small_quality if small else config.quality
        return best, config.small_subsampling if small else config.subsampling, max(0, best - config.lowest_quality)

    def pass_posted(self, *, replaced_another: bool) -> None:
        """Count a pass that was handed to the writer, and whether it pushed out one that had not been sent."""
        self._passes += 1
        self._replaced += replaced_another
        if self._passes >= _WINDOW:
            self._judge()
            self._passes = self._replaced = 0

    def _judge(self) -> None:
        if self._replaced >= _LOWER_AT:
            self._lowered = min(self._bounds()[2], self._lowered + _STEP_DOWN)
            self._calm = 0
        elif self._replaced:
            self._calm = 0
        else:
            self._calm += 1
            if self._calm >= _CALM_WINDOWS:
                self._lowered = max(0, self._lowered - _STEP_UP)
                self._calm = 0


class FrameStream:
    """Holds one pass in the encoder at a time, while the actor steps the next one.

    A pass that cannot be encoded is dropped; the world is sound and plays on.
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
        self._encoding: asyncio.Task[None] | None = None
        self._failures = 0  # in a row
        self._next_frame_id = 0
        self.timer = PassTimer()
        self.last_jpeg = b""
        self.still: Picture | None = None  # the still picture that was shown last, where its pixels are known

    def use_spec(self, spec: WorldSpec) -> None:
        self._spec = spec
        self._quality = QualityController(self._jpeg, frame_height=spec.height)

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment: frame ids start over, and nothing of the old one is sent any more."""
        self._epoch = epoch
        self._next_frame_id = 0
        self._outbox.begin_epoch(epoch)

    async def submit(self, stepped: SteppedPass) -> None:
        """Encode a pass once the one before is with the writer; returns when the encoder has taken it.

        An engine that is faster than the encoder is held up until the pass is encoded, unless passes are capped:
        stepping ahead would only read the input earlier than the frame needs it.

        Raises:
            EncoderFailedError: too many passes in a row could not be encoded.
        """
        await self.drain()
        self._encoding = asyncio.create_task(self._encode_and_post(stepped))
        if stepped.cap_s is None and self.timer.encode_s > self.timer.step_s:
            await self.drain()

    async def drain(self) -> None:
        """Wait until no pass is being encoded. Raises: EncoderFailedError."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            await encoding
        if self._failures >= _MOST_FAILURES:
            raise EncoderFailedError("The encoder kept failing.")

    async def finish(self) -> None:
        """Wait for the last pass, and drop what was shown."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            await asyncio.wait({encoding})
        self.last_jpeg, self.still = b"", None

    async def show(self, picture: Picture) -> None:
        """Send a still picture as the frame before the next pass. Raises: EncoderFailedError."""
        await self.drain()
        jpegs = await self._encode(picture[None])
        if jpegs:
            self.show_jpeg(jpegs[0])
        self.still = picture

    def show_jpeg(self, jpeg: bytes) -> None:
        self.last_jpeg = jpeg
        self.still = None
        header = FrameHeader(frame_id=self._next_frame_id, client_ts=0.0, gen_ms=0.0, epoch=self._epoch)
        self._recorder.shown((jpeg,), self._spec.pass_interval_s)
        self._post(header, (jpeg,), None)

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

    async def _encode_and_post(self, stepped: SteppedPass) -> None:
        quality, began = self._quality.tuning.quality, self._clock.monotonic()
        jpegs = await self._encode(stepped.frames)
        encoded = self._clock.monotonic()
        self.timer.encoded(encoded - began)
        self._metrics.pass_timed("infer", stepped.stepped_at - stepped.started_at)
        self._metrics.pass_timed("encode", encoded - began)
        if stepped.taken.received_at is not None:
            self._metrics.pass_timed("wait", stepped.started_at - stepped.taken.received_at)
        if not jpegs or stepped.epoch != self._epoch:
            return
        self.last_jpeg = jpegs[-1]
        header = self._header(stepped, quality, began, encoded)
        self._recorder.shown(jpegs, header.gen_ms / 1000)
        self._post(header, jpegs, stepped.taken.received_at)

    def _header(self, stepped: SteppedPass, quality: int, began: float, encoded: float) -> FrameHeader:
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
            quality=quality,
            epoch=stepped.epoch,
        )

    def _post(self, header: FrameHeader, jpegs: tuple[bytes, ...], input_received_at: float | None) -> None:
        replaced = self._outbox.post_pass(
            OutgoingPass(
                encode_envelope(header, jpegs), header.frame_id, len(jpegs), input_received_at, self._clock.monotonic()
            )
        )
        self._next_frame_id += len(jpegs)
        self._quality.pass_posted(replaced_another=replaced)
        if replaced:
            self._metrics.pass_replaced()


def _blend(average: float, value: float) -> float:
    """`value` itself where there is no average yet."""
    return average + _AVERAGE_WEIGHT * (value - average) if average else value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
