"""Where key frames come in the H.264 of a session, frame by frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from handlers.session.video import EncodedVideo, SessionVideo
from runtime_config.current import Current
from runtime_config.runtime_config import VideoConfig
from services.world_engine.world_engine import WorldSpec
from tests.fakes.fake_video_encoder import FakeVideoEncoder, read_fake_unit

if TYPE_CHECKING:
    from services.world_engine.world_engine import Frames

_SPEC = WorldSpec("fake/world", "Fake", 16, 16, 4, 60, "f00d")


def _frames(first: int) -> Frames:
    """Four, each of one brightness."""
    return np.stack([np.full((16, 16, 3), first + index, dtype=np.uint8) for index in range(4)])


def _shown(encoded: EncodedVideo) -> list[tuple[int, int, bool]]:
    """Of each unit its number within the stream, the brightness of its frame, and whether it is a key frame."""
    contents = [read_fake_unit(unit.data) for unit in encoded.units]
    return [(each.number, each.first_row[0], unit.is_key) for each, unit in zip(contents, encoded.units, strict=True)]


async def _opened() -> SessionVideo:
    video = SessionVideo(_SPEC, FakeVideoEncoder(), Current.fixed(VideoConfig()))
    assert await video.opened()
    return video


def test_a_key_frame_that_is_wanted_begins_the_next_pass() -> None:
    async def encode() -> list[EncodedVideo]:
        video = await _opened()
        passes = [await video.encode(_frames(0))]
        video.want_key_frame()
        return [*passes, await video.encode(_frames(4))]

    first, second = asyncio.run(encode())
    assert _shown(first) == [(0, 0, True), (1, 1, False), (2, 2, False), (3, 3, False)]
    assert _shown(second) == [(4, 4, True), (5, 5, False), (6, 6, False), (7, 7, False)]


def test_one_in_a_hurry_is_the_newest_frame_of_the_next_pass_alone() -> None:
    async def encode() -> list[EncodedVideo]:
        video = await _opened()
        passes = [await video.encode(_frames(0))]
        video.hurry_key_frame()
        return [*passes, await video.encode(_frames(4)), await video.encode(_frames(8))]

    _, hurried, after = asyncio.run(encode())
    assert _shown(hurried) == [(4, 7, True)]
    assert _shown(after) == [(5, 8, False), (6, 9, False), (7, 10, False), (8, 11, False)]


def test_the_pass_that_is_being_encoded_gives_way_to_one_in_a_hurry() -> None:
    async def encode() -> list[EncodedVideo]:
        video = await _opened()
        passes = [await video.encode(_frames(0))]
        encoding = asyncio.create_task(video.encode(_frames(4)))
        await asyncio.sleep(0)  # the first frame is in the encoder
        video.hurry_key_frame()
        return [*passes, await encoding, await video.encode(_frames(8))]

    _, hurried, after = asyncio.run(encode())
    assert _shown(hurried) == [(5, 7, True)]
    assert _shown(after)[0] == (6, 8, False)
