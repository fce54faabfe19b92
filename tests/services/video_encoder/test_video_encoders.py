"""What every video encoder does, and what the real one adds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_encoder._command import Codec
from services.video_encoder.ffmpeg_video_encoder import FfmpegVideoEncoder
from services.video_encoder.video_encoder import VideoEncoder, VideoEncoderError, VideoShape, VideoTuning
from tests.fakes.fake_video_encoder import FakeVideoEncoder
from tests.services.video_encoder.decoding import decode_h264

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.video_encoder.video_encoder import AccessUnit, VideoStream
    from services.world_engine.world_engine import Frames

MakeEncoder = Callable[[], VideoEncoder]
Result = TypeVar("Result")

SMALL = VideoShape(64, 48, 30.0)
FINE = VideoTuning(crf=20, max_bit_s=20_000_000)
NO_SUCH_HARDWARE = Codec("h264_no_such_encoder", (), "-cq")


def real_encoder() -> VideoEncoder:
    return FfmpegVideoEncoder(bundled_ffmpeg, hardware=())


@pytest.fixture(params=[real_encoder, FakeVideoEncoder], ids=["real", "fake"])
def make_encoder(request: pytest.FixtureRequest) -> MakeEncoder:
    return request.param


def shades(values: list[int], *, height: int = 48, width: int = 64) -> Frames:
    """A frame of one grey for each value."""
    frames = np.empty((len(values), height, width, 3), dtype=np.uint8)
    frames[:] = np.asarray(values, dtype=np.uint8)[:, None, None, None]
    return frames


def with_stream(
    encoder: VideoEncoder,
    use: Callable[[VideoStream], Awaitable[Result]],
    shape: VideoShape = SMALL,
    tuning: VideoTuning = FINE,
) -> Result:
    async def scenario() -> Result:
        stream = await encoder.open(shape, tuning)
        try:
            return await use(stream)
        finally:
            stream.close()
            encoder.close()

    return asyncio.run(scenario())


def test_one_unit_a_frame_at_once_and_the_first_is_a_key_frame(make_encoder: MakeEncoder) -> None:
    async def use(stream: VideoStream) -> list[tuple[AccessUnit, ...]]:
        return [await stream.encode(shades([value] * count), key_frame=False) for value, count in ((9, 1), (99, 4))]

    first, second = with_stream(make_encoder(), use)
    assert [unit.is_key for unit in (*first, *second)] == [True, False, False, False, False]
    assert all(unit.data.startswith(b"\x00\x00\x00\x01") for unit in (*first, *second))


def test_a_key_frame_comes_where_it_is_asked_for(make_encoder: MakeEncoder) -> None:
    async def use(stream: VideoStream) -> list[bool]:
        asked = (False, False, True, False, True)
        passes = [await stream.encode(shades([50, 60]), key_frame=key) for key in asked]
        return [unit.is_key for units in passes for unit in units]

    assert with_stream(make_encoder(), use) == [True, False, False, False, True, False, False, False, True, False]


def test_streams_do_not_mix(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()

    async def scenario() -> tuple[list[bool], list[bool]]:
        streams = [await encoder.open(SMALL, FINE) for _ in range(2)]
        first = [unit.is_key for _ in range(3) for unit in await streams[0].encode(shades([10]), key_frame=False)]
        second = [unit.is_key for _ in range(3) for unit in await streams[1].encode(shades([90]), key_frame=False)]
        encoder.close()
        return first, second

    assert asyncio.run(scenario()) == ([True, False, False], [True, False, False])


def test_a_closed_stream_and_a_closed_encoder_refuse(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()

    async def scenario() -> None:
        stream = await encoder.open(SMALL, FINE)
        stream.close()
        stream.close()
        with pytest.raises(VideoEncoderError):
            await stream.encode(shades([1]), key_frame=False)
        encoder.close()
        encoder.close()
        with pytest.raises(VideoEncoderError):
            await encoder.open(SMALL, FINE)

    asyncio.run(scenario())


def test_pictures_that_are_too_small_are_refused(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    with pytest.raises(VideoEncoderError):
        asyncio.run(encoder.open(VideoShape(1, 1, 30.0), FINE))
    encoder.close()


# ---------------------------------------------------------------------------------------------------- the real one


def test_a_player_sees_the_frames_that_were_encoded() -> None:
    values = [20, 60, 100, 140, 180, 220]

    async def use(stream: VideoStream) -> list[bytes]:
        return [unit.data for value in values for unit in await stream.encode(shades([value]), key_frame=False)]

    seen = decode_h264(with_stream(real_encoder(), use), width=64, height=48)
    assert np.abs(seen.mean(axis=(1, 2, 3)) - values).max() < 4


def test_a_key_frame_is_the_beginning_for_a_newcomer() -> None:
    async def use(stream: VideoStream) -> list[bytes]:
        await stream.encode(shades([20, 60, 100]), key_frame=False)
        return [unit.data for unit in await stream.encode(shades([140, 180]), key_frame=True)]

    seen = decode_h264(with_stream(real_encoder(), use), width=64, height=48)
    assert np.abs(seen.mean(axis=(1, 2, 3)) - [140, 180]).max() < 4


def test_colours_come_back() -> None:
    red, green, blue = ((200, 40, 40), (40, 180, 60), (50, 60, 210))
    frames = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    frames[0, :32], frames[0, 32:64], frames[0, 64:] = red, green, blue

    async def use(stream: VideoStream) -> list[bytes]:
        return [unit.data for unit in await stream.encode(frames, key_frame=False)]

    seen = decode_h264(with_stream(real_encoder(), use, VideoShape(96, 96, 30.0)), width=96, height=96)
    assert np.abs(seen[0].astype(int) - frames[0]).mean() < 6


def test_an_odd_size_loses_its_last_row_and_column() -> None:
    async def use(stream: VideoStream) -> list[bytes]:
        return [unit.data for unit in await stream.encode(shades([90], height=33, width=51), key_frame=False)]

    units = with_stream(real_encoder(), use, VideoShape(51, 33, 30.0))
    assert decode_h264(units, width=50, height=32).shape == (1, 32, 50, 3)


def test_noise_stays_below_the_bit_rate() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (60, 180, 320, 3), dtype=np.uint8)

    async def use(stream: VideoStream) -> int:
        return sum(len(unit.data) for unit in await stream.encode(noise, key_frame=False))

    bounded = with_stream(real_encoder(), use, VideoShape(320, 180, 60.0), VideoTuning(crf=20, max_bit_s=2_000_000))
    free = with_stream(real_encoder(), use, VideoShape(320, 180, 60.0), VideoTuning(crf=20, max_bit_s=200_000_000))
    assert bounded * 8 < 2_000_000 * 1.5 < free * 8


def test_hardware_that_does_not_work_gives_way_to_software() -> None:
    encoder = FfmpegVideoEncoder(bundled_ffmpeg, hardware=(NO_SUCH_HARDWARE,))

    async def use(stream: VideoStream) -> int:
        return len(await stream.encode(shades([1, 2]), key_frame=False))

    assert with_stream(encoder, use) == 2


def test_a_machine_without_ffmpeg_refuses() -> None:
    def missing() -> Path:
        raise FileNotFoundError("There is no ffmpeg.")

    for executable in (missing, lambda: Path("no-such-program")):
        with pytest.raises(VideoEncoderError):
            asyncio.run(FfmpegVideoEncoder(executable, hardware=()).open(SMALL, FINE))


def test_a_process_that_dies_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    dies = tmp_path / "ffmpeg"
    dies.write_text("#!/bin/sh\nhead -c 100 > /dev/null\nexit 1\n")
    dies.chmod(0o755)
    with pytest.raises(VideoEncoderError):
        asyncio.run(FfmpegVideoEncoder(lambda: dies, hardware=()).open(SMALL, FINE))
