"""What every frame encoder does, and what the real one adds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from services.frame_encoder.frame_encoder import EncodeTuning, FrameEncoder
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.world_engine.world_engine import NO_CONTROL, Frames
from tests.fakes.fake_frame_encoder import FakeFrameEncoder, read_fake_jpeg
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed

MakeEncoder = Callable[[], FrameEncoder]
FINE = EncodeTuning(quality=90, subsampling="4:4:4")
COARSE = EncodeTuning(quality=50, subsampling="4:2:0")


def real_encoder() -> FrameEncoder:
    return SimpleJpegEncoder(threads=2)


@pytest.fixture(params=[real_encoder, FakeFrameEncoder], ids=["real", "fake"])
def make_encoder(request: pytest.FixtureRequest) -> MakeEncoder:
    return request.param


def shades(count: int, *, height: int = 32, width: int = 64) -> Frames:
    """Frames of one grey each, darker to lighter."""
    frames = np.empty((count, height, width, 3), dtype=np.uint8)
    frames[:] = np.linspace(0, 255, count, dtype=np.uint8)[:, None, None, None]
    return frames


def shade_of(jpeg: bytes) -> float:
    return float(simplejpeg.decode_jpeg(jpeg, colorspace="RGB").mean())


def test_one_jpeg_a_frame(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    for count in (1, 2, 5):
        jpegs = asyncio.run(encoder.encode(shades(count), FINE))
        assert len(jpegs) == count
        assert all(jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9") for jpeg in jpegs)
    assert asyncio.run(encoder.encode(shades(1)[:0], FINE)) == ()
    encoder.close()


def test_a_closed_encoder_refuses(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    encoder.close()
    encoder.close()
    with pytest.raises(RuntimeError):
        asyncio.run(encoder.encode(shades(2), FINE))


def test_passes_at_a_time_do_not_mix(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    passes = [shades(4)[::-1].copy() if index % 2 else shades(4) for index in range(20)]

    async def encode_all() -> list[tuple[bytes, ...]]:
        return await asyncio.gather(*(encoder.encode(frames, FINE) for frames in passes))

    results = asyncio.run(encode_all())
    alone = asyncio.run(encoder.encode(passes[0], FINE)), asyncio.run(encoder.encode(passes[1], FINE))
    assert all(result == alone[index % 2] for index, result in enumerate(results))
    encoder.close()


def test_a_cancelled_call_leaves_the_others_alone(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()

    async def scenario() -> tuple[bytes, ...]:
        cancelled = [asyncio.create_task(encoder.encode(shades(8, height=256, width=256), FINE)) for _ in range(8)]
        await asyncio.sleep(0)
        for task in cancelled:
            task.cancel()
        survivor = await encoder.encode(shades(3), FINE)
        outcomes = await asyncio.gather(*cancelled, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        return survivor

    assert asyncio.run(scenario()) == asyncio.run(encoder.encode(shades(3), FINE))
    encoder.close()


def test_frames_keep_their_order_and_look() -> None:
    encoder = SimpleJpegEncoder(threads=3)
    found = [shade_of(jpeg) for jpeg in asyncio.run(encoder.encode(shades(9), FINE))]
    assert np.abs(np.array(found) - np.linspace(0, 255, 9)).max() < 3
    encoder.close()


def test_tuning_is_followed() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    encoder = SimpleJpegEncoder(threads=1)
    fine, coarse = (asyncio.run(encoder.encode(noise, tuning))[0] for tuning in (FINE, COARSE))
    assert len(coarse) < len(fine)
    assert simplejpeg.decode_jpeg_header(fine)[3] == "444"
    assert simplejpeg.decode_jpeg_header(coarse)[3] == "420"
    encoder.close()


def test_frames_need_not_be_contiguous() -> None:
    encoder = SimpleJpegEncoder(threads=2)
    stored = np.random.default_rng(5).integers(0, 256, (4, 48, 96, 3), dtype=np.uint8)
    for view in (stored[:, ::2, ::2], stored[..., ::-1], stored.transpose(0, 2, 1, 3)):
        plain = np.ascontiguousarray(view)
        assert asyncio.run(encoder.encode(view, FINE)) == asyncio.run(encoder.encode(plain, FINE))
    encoder.close()


def test_frames_are_only_read() -> None:
    encoder = SimpleJpegEncoder(threads=2)
    frames = shades(4)
    frames.flags.writeable = False
    assert len(asyncio.run(encoder.encode(frames, FINE))) == 4
    encoder.close()


def test_an_error_reaches_the_caller_and_the_encoder_lives_on() -> None:
    encoder = SimpleJpegEncoder(threads=2)
    with pytest.raises(ValueError, match="Invalid argument"):
        asyncio.run(encoder.encode(shades(4), EncodeTuning(quality=500, subsampling="4:2:0")))
    with pytest.raises(ValueError, match="channels"):
        asyncio.run(encoder.encode(np.zeros((2, 8, 8, 4), dtype=np.uint8), FINE))
    assert len(asyncio.run(encoder.encode(shades(4), FINE))) == 4
    encoder.close()


def test_close_waits_for_what_is_encoded_and_ends_the_threads() -> None:
    before = set(threading.enumerate())
    encoder = SimpleJpegEncoder(threads=2)

    async def scenario() -> tuple[bytes, ...]:
        task = asyncio.create_task(encoder.encode(shades(12, height=200, width=300), FINE))
        await asyncio.sleep(0)
        encoder.close()
        return await task

    assert len(asyncio.run(scenario())) == 12
    assert set(threading.enumerate()) <= before


def test_a_loop_that_closes_meanwhile_harms_nobody() -> None:
    encoder = SimpleJpegEncoder(threads=1)
    loop = asyncio.new_event_loop()
    task = loop.create_task(encoder.encode(shades(6, height=400, width=600), FINE))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    assert len(asyncio.run(encoder.encode(shades(2), FINE))) == 2
    encoder.close()


def test_the_fake_says_which_frame_it_was() -> None:
    frames = FakeWorldEngine().open_world(fake_seed(9), rng_seed=1).step(NO_CONTROL)
    contents = [read_fake_jpeg(jpeg) for jpeg in asyncio.run(FakeFrameEncoder().encode(frames, COARSE))]
    assert [(content.index, content.height, content.width) for content in contents] == [(0, 32, 48), (1, 32, 48)]
    assert {content.tuning for content in contents} == {COARSE}
    assert [content.frame_content().sub_frame for content in contents] == [0, 1]
    assert contents[0].frame_content().seed_mean == (9, 0, 0)


def test_the_fake_can_be_held_and_fail() -> None:
    async def scenario() -> None:
        encoder = FakeFrameEncoder(hold=asyncio.Event())
        assert encoder.hold is not None
        task = asyncio.create_task(encoder.encode(shades(2), FINE))
        await encoder.entered.wait()
        assert not task.done()
        encoder.hold.set()
        assert len(await task) == 2
        encoder.fail = OSError("The test asked for it.")
        with pytest.raises(OSError, match="asked"):
            await encoder.encode(shades(2), FINE)

    asyncio.run(scenario())
