"""The newest seconds of play: what is held of them, how much of it, and the recording that is made of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from handlers.session.encoded_passes import EncodedPass
from handlers.session.newest_seconds import JpegClip, NewestSeconds, VideoClip
from runtime_config.runtime_config import SessionLimits
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_frame_encoder import read_fake_jpeg
from tests.fakes.fake_video_writer import FakeCopiedRecording, FakeJpegRecording, FakeVideoWriter
from tests.handlers.session.recording_studio import news, studio
from tests.handlers.session.test_video import is_video, watching
from tests.play.harness import fake_services, play_server
from wire_protocol import FrameHeader

if TYPE_CHECKING:
    from pathlib import Path

_AWAKE = SessionLimits(control_hold_s=3600)


class Ring:
    """Newest seconds that are filled by passes of a tenth of a second."""

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self.clock = FakeClock()
        self.newest = NewestSeconds(self.clock, lambda: max_bytes)

    def jpeg(self, number: int, *, size: int = 100, gen_ms: float = 100.0) -> None:
        self._add(FrameHeader(frame_id=number, client_ts=0.0, gen_ms=gen_ms), number.to_bytes(2, "big") * (size // 2))

    def video(self, number: int, *, is_key: bool = False, size: int = 100) -> None:
        header = FrameHeader(frame_id=number, client_ts=0.0, gen_ms=100.0, codec="h264", key_frame=is_key, crf=20)
        self._add(header, number.to_bytes(2, "big") * (size // 2))

    def _add(self, header: FrameHeader, part: bytes) -> None:
        self.clock.advance(0.1)
        self.newest.add(EncodedPass.of(header, (part,)))

    def jpeg_clip(self) -> JpegClip:
        clip = self.newest.clip()
        assert isinstance(clip, JpegClip)
        return clip

    def video_clip(self) -> VideoClip:
        clip = self.newest.clip()
        assert isinstance(clip, VideoClip)
        return clip


def numbers(clip: JpegClip) -> list[int]:
    return [int.from_bytes(jpegs[0][:2], "big") for _, _, jpegs in clip.passes]


def units(clip: VideoClip) -> list[int]:
    return [int.from_bytes(each[0].data[:2], "big") for _, _, each in clip.passes]


def test_fifteen_seconds_are_held() -> None:
    ring = Ring()
    for number in range(400):
        ring.jpeg(number)
    clip = ring.jpeg_clip()
    assert numbers(clip) == list(range(249, 400))
    assert clip.ends_at_s - clip.passes[0][0] == pytest.approx(15.0)


def test_before_anything_was_seen_there_is_nothing() -> None:
    assert Ring().newest.clip() is None


def test_standing_still_takes_a_second_at_most() -> None:
    ring = Ring()
    ring.jpeg(0)
    ring.clock.advance(3600)
    ring.jpeg(1)
    ring.clock.advance(60)
    clip = ring.jpeg_clip()
    assert numbers(clip) == [0, 1]
    assert clip.passes[1][0] - clip.passes[0][0] == pytest.approx(1.0)
    assert clip.ends_at_s - clip.passes[1][0] == pytest.approx(1.0)


def test_large_jpegs_are_left_out_evenly() -> None:
    ring = Ring(max_bytes=60_000)
    for number in range(400):
        ring.jpeg(number, size=1000)
    clip = ring.jpeg_clip()
    held = numbers(clip)
    assert {later - number for number, later in pairwise(held)} <= {2, 3}
    assert clip.ends_at_s - clip.passes[0][0] > 12
    assert sum(len(jpegs[0]) for _, _, jpegs in clip.passes) <= 60_000


def test_video_begins_with_a_key_frame_that_is_old_enough() -> None:
    ring = Ring()
    ring.video(0)
    for number in range(1, 400):
        ring.video(number, is_key=number % 40 == 1)
    clip = ring.video_clip()
    assert units(clip) == list(range(241, 400))
    assert clip.passes[0][2][0].is_key
    assert not clip.passes[1][2][0].is_key


def test_video_asks_for_a_key_frame_now_and_then() -> None:
    ring = Ring()
    ring.video(0, is_key=True)
    for number in range(49):
        ring.video(number)
    assert not ring.newest.wants_key_frame
    ring.video(50)
    ring.video(51)
    assert ring.newest.wants_key_frame


def test_video_has_a_bound_too() -> None:
    ring = Ring(max_bytes=30_000)
    for number in range(200):
        ring.video(number, is_key=number % 10 == 0, size=1000)
    held = units(ring.video_clip())
    assert held[0] % 10 == 0
    assert 15 < len(held) <= 30


def test_what_is_sent_in_another_form_begins_anew() -> None:
    ring = Ring()
    ring.jpeg(0)
    ring.video(1, is_key=True)
    ring.jpeg(2, gen_ms=0.0)  # a still picture between two frames
    ring.video(3)
    assert units(ring.video_clip()) == [1, 3]
    ring.jpeg(4)
    assert numbers(ring.jpeg_clip()) == [4]


def test_another_world_begins_anew() -> None:
    ring = Ring()
    ring.jpeg(0)
    ring.newest.clear()
    assert ring.newest.clip() is None
    ring.jpeg(1)
    assert numbers(ring.jpeg_clip()) == [1]


def test_a_clip_is_kept_of_play_that_nobody_records(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start()
        client.control("W")
        seen = client.played_frame()
        answer = client.reply(client.request("keep_clip"))["data"]
        recording = at.recording(0)
        assert recording.path.stem == answer["name"]
        assert news(client, "saved")["name"] == answer["name"]
        assert isinstance(recording, FakeJpegRecording)
        shown = [jpeg for _, _, jpegs in recording.passes for jpeg in jpegs]
        assert seen.jpegs[-1] in shown
        assert read_fake_jpeg(shown[0]).index == 0


def test_a_clip_goes_on_over_a_reset(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(model="fake/world")
        client.control("W")
        before = client.played_frame()
        assert client.reply(client.init(cap_inference_fps=True, model="fake/world"))["success"]
        client.send("reset")
        client.control("W")
        client.played_frame(lambda frame: frame.header.epoch != before.header.epoch)
        client.reply(client.request("keep_clip"))
        shown = [jpeg for _, _, jpegs in at.recording(0).passes for jpeg in jpegs]
        assert before.jpegs[-1] in shown, "it goes on over a reset"


def test_a_clip_of_video_is_copied(tmp_path: Path) -> None:
    writer = FakeVideoWriter()
    services = fake_services(video_writer=writer, recordings_dir=tmp_path)
    with play_server(services, limits=_AWAKE, data_dir=tmp_path) as server, watching(server) as client:
        client.control("W")
        client.played_frame(is_video)
        assert client.reply(client.request("keep_clip"))["success"]
        (recording,) = writer.recordings
        assert isinstance(recording, FakeCopiedRecording)
        assert recording.passes


def test_without_a_world_there_is_no_clip(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        assert client.reply(client.request("keep_clip"))["code"] == "notReady"
