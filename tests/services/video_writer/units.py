"""Pictures that are encoded as H.264 already."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_encoder.ffmpeg_video_encoder import FfmpegVideoEncoder
from services.video_encoder.video_encoder import AccessUnit, VideoShape, VideoTuning
from tests.services.video_writer.videos import HEIGHT, WIDTH, picture

if TYPE_CHECKING:
    from services.video_writer.video_writer import CopiedRecording

FPS: Final = 30.0
_FINE: Final = VideoTuning(crf=20, max_bit_s=12_000_000)


@cache
def encoded(count: int = 45, tuning: VideoTuning = _FINE, key_at: int = 30) -> tuple[AccessUnit, ...]:
    """Pictures 0 to `count`, of which 0 and `key_at` are key frames."""

    async def encode() -> tuple[AccessUnit, ...]:
        encoder = FfmpegVideoEncoder(bundled_ffmpeg, hardware=())
        stream = await encoder.open(VideoShape(WIDTH, HEIGHT, FPS), tuning)
        units: list[AccessUnit] = []
        for number in range(count):
            frames = np.ascontiguousarray(picture(number)[None])
            units += await stream.encode(frames, key_frame=number in (0, key_at))
        encoder.close()
        return tuple(units)

    return asyncio.run(encode())


def play_units(recording: CopiedRecording, units: tuple[AccessUnit, ...], *, begin_s: float = 1000.0) -> float:
    """Record one frame a pass; when the last one ends."""
    for at, unit in enumerate(units):
        recording.write([unit], started_at=begin_s + at / FPS, shown_for_s=1 / FPS)
    return begin_s + len(units) / FPS
