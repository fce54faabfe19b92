"""A pass that was stepped, how long passes take, and what the header of an encoded one says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from wire_protocol import FrameHeader

if TYPE_CHECKING:
    from handlers.session.mailbox import TakenControl
    from handlers.session.video import EncodedVideo
    from services.system_monitor.gpu_sampler import GpuSampler
    from services.world_engine.world_engine import Frames

_AVERAGE_WEIGHT: Final = 0.2  # of the newest value in the moving averages


@dataclass(frozen=True, slots=True)
class MadePass:
    """What the header of a pass says of it, whether or not anybody has seen its frames.

    Times are monotonic seconds; `cap_s` is the capped interval, or None.
    """

    count: int  # of its frames
    taken: TakenControl
    epoch: int
    started_at: float
    stepped_at: float
    cap_s: float | None

    def with_frames(self, frames: Frames) -> SteppedPass:
        return SteppedPass(self.count, self.taken, self.epoch, self.started_at, self.stepped_at, self.cap_s, frames)


@dataclass(frozen=True, slots=True)
class SteppedPass(MadePass):
    """A pass with all of its frames, in the engine's own size."""

    frames: Frames


@dataclass(frozen=True, slots=True)
class NumberedPass:
    """A pass with the id of its first frame, which is the same in whatever form it is sent."""

    stepped: SteppedPass
    first_frame_id: int


@dataclass(frozen=True, slots=True)
class PassForm:
    """What the header says of how a pass was encoded, and the monotonic seconds in which it was."""

    began: float
    ended: float
    quality: int | None = None
    codec: Literal["h264"] | None = None
    key_frame: bool | None = None
    crf: int | None = None


def video_form(video: EncodedVideo, began: float, ended: float) -> PassForm:
    return PassForm(began, ended, codec="h264", key_frame=video.units[0].is_key, crf=video.crf)


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


class PassHeaders:
    """Writes headers."""

    def __init__(self, timer: PassTimer, gpu: GpuSampler) -> None:
        self._timer = timer
        self._gpu = gpu

    def of(self, numbered: NumberedPass, form: PassForm) -> FrameHeader:
        return self.of_made(numbered.stepped, numbered.first_frame_id, form)

    def of_made(self, stepped: MadePass, first_frame_id: int, form: PassForm) -> FrameHeader:
        input_at = stepped.started_at if stepped.taken.received_at is None else stepped.taken.received_at
        infer_s, encode_s = stepped.stepped_at - stepped.started_at, form.ended - form.began
        gpu = self._gpu.latest()
        return FrameHeader(
            frame_id=first_frame_id,
            client_ts=stepped.taken.client_ts,
            gen_ms=_ms(self._timer.interval_s(stepped.cap_s)),
            temporal_compression=stepped.count,
            vram_used_bytes=-1 if gpu is None else gpu.vram_used_bytes,
            gpu_util_percent=-1 if gpu is None else gpu.util_percent,
            t_infer_ms=_ms(infer_s),
            t_sync_ms=0.0,
            t_enc_ms=_ms(encode_s),
            t_metrics_ms=0.0,
            t_overhead_ms=_ms(max(0.0, form.ended - input_at - infer_s - encode_s)),
            quality=form.quality,
            epoch=stepped.epoch,
            codec=form.codec,
            key_frame=form.key_frame,
            crf=form.crf,
        )


def _blend(average: float, value: float) -> float:
    """`value` itself where there is no average yet."""
    return average + _AVERAGE_WEIGHT * (value - average) if average else value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
