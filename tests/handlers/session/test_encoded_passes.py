"""One encoding for many: what each taker gets, what a slow one loses, and when a key frame is asked for."""

from __future__ import annotations

import asyncio

import pytest

from handlers.session.encoded_passes import EncodedPass, EncodedPasses, PassSubscriber, VideoSource
from tests.fakes.fake_clock import FakeClock
from wire_protocol import FrameHeader, encode_envelope

_LATER_S = 10.0


def _jpeg(frame_id: int, epoch: int = 0) -> EncodedPass:
    return EncodedPass.of(FrameHeader(frame_id=frame_id, client_ts=0, gen_ms=16, epoch=epoch), (b"jpeg",))


def _unit(frame_id: int, *, key: bool = False, epoch: int = 0) -> EncodedPass:
    header = FrameHeader(frame_id=frame_id, client_ts=0, gen_ms=16, epoch=epoch, codec="h264", key_frame=key)
    return EncodedPass.of(header, (b"unit",))


async def _waiting(subscriber: PassSubscriber) -> list[int]:
    """The frame ids of what waits."""
    ids = list[int]()
    while True:
        taking = asyncio.create_task(subscriber.next())
        await asyncio.sleep(0)
        if not taking.done():
            taking.cancel()
            return ids
        taken = taking.result()
        assert taken is not None
        ids.append(taken.header.frame_id)


@pytest.mark.parametrize(
    ("one_of", "parts", "frame_id"),
    [(1, (b"0", b"1", b"2", b"3"), 40), (2, (b"1", b"3"), 42), (4, (b"3",), 43), (8, (b"3",), 43)],
)
def test_a_thinned_pass_keeps_its_newest_frame_and_its_last_numbers(
    one_of: int, parts: tuple[bytes, ...], frame_id: int
) -> None:
    header = FrameHeader(frame_id=40, client_ts=7, gen_ms=16, temporal_compression=4)
    thinned = EncodedPass.of(header, (b"0", b"1", b"2", b"3")).thinned(one_of)
    assert thinned.parts == parts
    assert thinned.header == header.model_copy(update={"frame_id": frame_id})  # as if all were there
    assert thinned.envelope == encode_envelope(thinned.header, parts)


def test_everybody_gets_the_very_same_bytes() -> None:
    async def scenario() -> None:
        passes = EncodedPasses(FakeClock())
        takers = [passes.subscribe("jpeg") for _ in range(3)]
        encoded = _jpeg(0)
        passes.publish_jpegs(encoded, to_all=False)
        assert all([await taker.next() is encoded for taker in takers])

    asyncio.run(scenario())


def test_who_reads_slowly_loses_the_oldest_jpegs_alone() -> None:
    async def scenario() -> None:
        passes = EncodedPasses(FakeClock())
        slow, quick = passes.subscribe("jpeg"), passes.subscribe("jpeg")
        seen = list[int]()
        for frame_id in range(5):
            passes.publish_jpegs(_jpeg(frame_id), to_all=False)
            seen += await _waiting(quick)
        assert seen == [0, 1, 2, 3, 4]
        assert (await _waiting(slow), slow.passes_lost) == ([3, 4], 3)

    asyncio.run(scenario())


def test_who_reads_h264_slowly_goes_on_at_the_next_key_frame() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        passes = EncodedPasses(clock)
        slow, quick = passes.subscribe("h264"), passes.subscribe("h264")
        passes.publish_video(_unit(0, key=True), VideoSource.BESIDE)
        seen = await _waiting(quick)
        clock.advance(_LATER_S)
        assert not passes.wants_key_frame(VideoSource.BESIDE)
        for frame_id in (1, 2, 3):
            passes.publish_video(_unit(frame_id), VideoSource.BESIDE)
            seen += await _waiting(quick)
        assert passes.wants_key_frame(VideoSource.BESIDE)
        assert await _waiting(slow) == []
        for frame_id, key in ((4, True), (5, False)):
            passes.publish_video(_unit(frame_id, key=key), VideoSource.BESIDE)
            seen += await _waiting(quick)
        assert (await _waiting(slow), seen) == ([4, 5], [0, 1, 2, 3, 4, 5])

    asyncio.run(scenario())


def test_a_newcomer_waits_for_a_key_frame_and_not_two_come_in_one_second() -> None:
    clock = FakeClock()
    passes = EncodedPasses(clock)
    first = passes.subscribe("h264")
    assert passes.wants_key_frame(VideoSource.PLAYER)
    passes.publish_video(_unit(0, key=True), VideoSource.PLAYER)
    passes.subscribe("h264")
    assert not passes.wants_key_frame(VideoSource.PLAYER), "the last one is too young"
    clock.advance(_LATER_S)
    assert passes.wants_key_frame(VideoSource.PLAYER)
    first.close()


def test_another_stream_begins_with_a_key_frame_for_everybody() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        passes = EncodedPasses(clock)
        taker = passes.subscribe("h264", bound=8)
        passes.publish_video(_unit(0, key=True), VideoSource.PLAYER)
        passes.publish_video(_unit(1), VideoSource.BESIDE)
        clock.advance(_LATER_S)
        assert passes.wants_key_frame(VideoSource.BESIDE)
        passes.publish_video(_unit(2, key=True), VideoSource.BESIDE)
        assert await _waiting(taker) == [0, 2]

    asyncio.run(scenario())


def test_another_world_drops_what_waits_of_the_old_one() -> None:
    async def scenario() -> None:
        passes = EncodedPasses(FakeClock())
        taker = passes.subscribe("jpeg")
        passes.publish_jpegs(_jpeg(7), to_all=False)
        passes.begin_epoch(1)
        passes.publish_jpegs(_jpeg(8), to_all=False)
        passes.publish_jpegs(_jpeg(0, epoch=1), to_all=False)
        assert await _waiting(taker) == [0]

    asyncio.run(scenario())


def test_nothing_is_wanted_for_those_without_room_nor_when_nobody_is_left() -> None:
    async def scenario() -> None:
        passes = EncodedPasses(FakeClock())
        taker = passes.subscribe("jpeg")
        assert (passes.wants("jpeg"), passes.wants("h264")) == (True, False)
        for frame_id in (0, 1):
            passes.publish_jpegs(_jpeg(frame_id), to_all=False)
        assert not passes.wants("jpeg")
        with taker:
            pass
        taker.close()
        assert not passes.has("jpeg")
        assert await taker.next() is None

    asyncio.run(scenario())
