"""A recording of what is encoded anyway, with the real encoder and the real files: what a person sees in it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from handlers.session.encoded_passes import EncodedPass
from handlers.session.video_track import VideoStills, VideoTrack
from runtime_config.current import Current
from runtime_config.runtime_config import VideoConfig
from services.bundled_ffmpeg import bundled_ffmpeg
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.video_encoder.ffmpeg_video_encoder import FfmpegVideoEncoder
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Finished
from services.world_engine.world_engine import WorldSpec
from tests.fakes.fake_clock import FakeClock
from tests.services.video_writer.units import FPS, encoded
from tests.services.video_writer.videos import HEIGHT, LIMIT_S, WIDTH, Ends, decoded, jpeg, number_of, plan
from tests.waiting import wait_until_async
from wire_protocol import FrameHeader

if TYPE_CHECKING:
    from pathlib import Path

    from services.video_encoder.video_encoder import AccessUnit

_SPEC = WorldSpec(
    model_id="fake/world",
    title="A world",
    height=HEIGHT,
    width=WIDTH,
    frames_per_pass=1,
    fps=round(FPS),
    weights_hash="00",
)


def passes(units: tuple[AccessUnit, ...]) -> list[EncodedPass]:
    return [
        EncodedPass.of(
            FrameHeader(
                frame_id=0, client_ts=0.0, epoch=0, gen_ms=1000 / FPS, codec="h264", key_frame=unit.is_key, crf=20
            ),
            (unit.data,),
        )
        for unit in units
    ]


def still(number: int) -> EncodedPass:
    return EncodedPass.of(FrameHeader(frame_id=0, client_ts=0.0, epoch=0, gen_ms=0.0), (jpeg(number),))


def test_still_pictures_are_between_the_frames_where_they_were_seen(tmp_path: Path) -> None:
    """A still begins it, and another one stands where play went back to another moment."""
    ends, path, clock, units = Ends(), tmp_path / "walk.mp4", FakeClock(), encoded()
    writer, threads = FfmpegVideoWriter(hardware=()), ThreadPoolExecutor(1)
    encoder = FfmpegVideoEncoder(bundled_ffmpeg, hardware=())
    file = writer.start_copy(path, plan(), ends.on_end)
    stills = VideoStills(encoder, PillowPictureDecoder(), Current.fixed(VideoConfig()), threads)

    async def play() -> None:
        track = VideoTrack(
            file, encode_still=lambda data: stills.encode(data, _SPEC), clock=clock, on_lost=lambda: None
        )
        track.show(jpeg(40), 1 / FPS)
        for each in passes(units[:20]):  # beside the encoding of the still
            clock.advance(1 / FPS)
            track.offer(each)
        await wait_until_async(lambda: file.progress().frames == 21, "the still was written, and what came after it")
        track.start_over()
        track.offer(still(45))
        for each in passes(units[25:]):
            clock.advance(1 / FPS)
            track.offer(each)
        await wait_until_async(lambda: file.progress().frames == 37, "so was the other one")
        track.end()

    asyncio.run(play())
    file.finish(ended_at=clock.monotonic())
    assert isinstance(ends.wait(), Finished)
    assert [number_of(frame) for frame in decoded(path)] == [40, *range(20), 45, *range(30, 45)]
    writer.close(LIMIT_S)
    encoder.close()
    threads.shutdown()
