"""From a stepped pass to the outbox: encoding beside the next step, in order, for the world that is played."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from handlers.session.outbox import Outbox, OutgoingPass
from handlers.session.quality import QualityController
from wire_protocol import FrameHeader, encode_envelope

if TYPE_CHECKING:
    from handlers.session.context import PlayContext
    from handlers.session.inputs import TakenControl
    from handlers.session.pacing import PassTimer
    from handlers.session.recording import SessionRecorder
    from handlers.session.stats import SessionStats
    from services.frame_encoder.frame_encoder import EncodeTuning
    from services.world_engine.world_engine import Frames, Picture, WorldSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SteppedPass:
    """Frames and what their header says. Times are monotonic seconds; `cap_s` is the capped interval, or None."""

    frames: Frames
    taken: TakenControl
    epoch: int
    started_at: float
    stepped_at: float
    cap_s: float | None


class PassPipeline:
    """Holds one pass in the encoder at a time, while the loop steps the next one."""

    def __init__(
        self,
        context: PlayContext,
        spec: WorldSpec,
        epoch: int,
        *,
        outbox: Outbox,
        stats: SessionStats,
        timer: PassTimer,
        recorder: SessionRecorder,
    ) -> None:
        self._context = context
        self._spec = spec
        self._epoch = epoch
        self._outbox = outbox
        self._stats = stats
        self._timer = timer
        self._recorder = recorder
        self._quality = QualityController(context.config.jpeg, frame_height=spec.height)
        self._encoding: asyncio.Task[None] | None = None
        self._next_frame_id = 0
        self._client_ts = 0.0
        self.last_jpeg = b""
        self.still: Picture | None = None  # the still picture that was shown last, where its pixels are known

    def use_spec(self, spec: WorldSpec) -> None:
        self._spec = spec
        self._quality = QualityController(self._context.config.jpeg, frame_height=spec.height)

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment: frame ids start over, and nothing of the old one is sent any more."""
        self._epoch = epoch
        self._next_frame_id = 0
        self._outbox.drop_pass()

    async def submit(self, stepped: SteppedPass) -> None:
        """Encode a pass once the one before is with the writer; returns when the encoder has taken it."""
        await self.drain()
        self._encoding = asyncio.create_task(self._encode_and_post(stepped))

    async def drain(self) -> None:
        """Wait until no pass is being encoded. Raises what the encoder raised."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            await encoding

    async def finish(self) -> None:
        """`drain` at the end of the session, when nobody is left to be told of a failure."""
        try:
            await self.drain()
        except Exception as error:  # an encoder may raise anything; the world must still be closed
            logger.exception("The last pass could not be encoded", exc_info=error)

    async def show(self, picture: Picture) -> None:
        """Send a still picture as the frame before the next pass."""
        (jpeg,) = await self._context.encoder.encode(picture[None], self._quality.tuning)
        self.show_jpeg(jpeg)
        self.still = picture

    def show_jpeg(self, jpeg: bytes) -> None:
        self.last_jpeg = jpeg
        self.still = None
        header = FrameHeader(frame_id=self._next_frame_id, client_ts=0.0, gen_ms=0.0)
        self._recorder.shown((jpeg,), self._spec.pass_interval_s)
        self._post(header, (jpeg,), None)

    async def _encode_and_post(self, stepped: SteppedPass) -> None:
        clock, metrics, tuning = self._context.clock, self._context.metrics, self._quality.tuning
        began = clock.monotonic()
        jpegs = await self._context.encoder.encode(stepped.frames, tuning)
        encoded = clock.monotonic()
        self._timer.encoded(encoded - began)
        metrics.pass_timed("infer", stepped.stepped_at - stepped.started_at)
        metrics.pass_timed("encode", encoded - began)
        if stepped.taken.received_at is not None:
            metrics.pass_timed("wait", stepped.started_at - stepped.taken.received_at)
        if stepped.epoch != self._epoch:
            return
        self.last_jpeg = jpegs[-1]
        header = self._header(stepped, tuning, began, encoded)
        self._recorder.shown(jpegs, header.gen_ms / 1000)
        self._post(header, jpegs, stepped.taken.received_at)

    def _header(self, stepped: SteppedPass, tuning: EncodeTuning, began: float, encoded: float) -> FrameHeader:
        input_at = stepped.started_at if stepped.taken.received_at is None else stepped.taken.received_at
        infer_s, encode_s = stepped.stepped_at - stepped.started_at, encoded - began
        return FrameHeader(
            frame_id=self._next_frame_id,
            client_ts=stepped.taken.client_ts,
            gen_ms=_ms(self._timer.interval_s(stepped.cap_s)),
            temporal_compression=len(stepped.frames),
            t_infer_ms=_ms(infer_s),
            t_sync_ms=0.0,
            t_enc_ms=_ms(encode_s),
            t_metrics_ms=0.0,
            t_overhead_ms=_ms(max(0.0, encoded - input_at - infer_s - encode_s)),
            quality=tuning.quality,
        )

    def _post(self, header: FrameHeader, jpegs: tuple[bytes, ...], input_received_at: float | None) -> None:
        replaced = self._outbox.post_pass(
            OutgoingPass(
                encode_envelope(header, jpegs),
                header.frame_id,
                len(jpegs),
                input_received_at,
                self._context.clock.monotonic(),
            )
        )
        self._next_frame_id += len(jpegs)
        self._quality.pass_posted(replaced_another=replaced)
        if replaced:
            self._stats.pass_replaced()
            self._context.metrics.pass_replaced()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
