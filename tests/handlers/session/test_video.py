"""Frames as H.264: who gets them, where key frames come, and that nothing which was encoded is dropped."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

from handlers.session.quality import VideoQuality
from runtime_config.current import Current
from runtime_config.runtime_config import SessionLimits, VideoConfig
from services.video_encoder.video_encoder import VideoEncoderError
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_frame_encoder import read_fake_jpeg
from tests.fakes.fake_video_encoder import FakeVideoEncoder, read_fake_unit
from tests.fakes.fake_video_writer import FakeCopiedRecording, FakeVideoWriter
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.play.harness import Frame, PlayClient, fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.play.harness import PlayServer

VIDEO = "protocol_version=5&client=terrarium&video=h264"
_AWAKE = SessionLimits(control_hold_s=3600)  # one control plays for the whole test


def is_video(frame: Frame) -> bool:
    return frame.header.codec == "h264"


def width_of(frame: Frame) -> int:
    """In pixels, as the fake encoder's unit says."""
    return len(read_fake_unit(frame.jpegs[0]).first_row) // 3


@contextmanager
def watching(server: PlayServer) -> Generator[PlayClient]:
    """A client that asks for H.264 when it comes, and acknowledges what it gets by `drawn`."""
    with server.client(query=VIDEO) as client:
        extended = PlayClient(client.socket, extended=True)
        extended.start()
        yield extended


def drawn(client: PlayClient, frame: Frame) -> None:
    client.send("frame_ack", frame_id=frame.header.frame_id, epoch=frame.header.epoch)


def test_a_client_that_asks_for_it_gets_h264_from_a_key_frame_on_without_a_gap() -> None:
    with play_server(limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        first = client.played_frame(is_video)
        assert first.header.key_frame
        assert (first.header.quality, first.header.crf) == (None, VideoConfig().crf)
        numbers = [read_fake_unit(unit).number for unit in first.jpegs]
        for _ in range(5):
            frame = client.played_frame()
            assert is_video(frame)
            assert not frame.header.key_frame
            numbers += [read_fake_unit(unit).number for unit in frame.jpegs]
        assert numbers == list(range(len(numbers)))


def test_whoever_does_not_ask_gets_jpegs_and_the_header_they_always_had() -> None:
    encoder = FakeVideoEncoder()
    with play_server(fake_services(video_encoder=encoder), limits=_AWAKE) as server:
        for video, extended in (("", False), ("&video=h264", False), ("", True), ("&video=av1", True)):
            _sees_jpegs(server, f"protocol_version=5{video}", extended=extended)
    assert encoder.opened == []


def _sees_jpegs(server: PlayServer, query: str, *, extended: bool) -> None:
    with server.client(query=query, extended=extended) as client:
        client.start()
        client.control("W")
        frame = client.played_frame()
        assert read_fake_jpeg(frame.jpegs[0]).tuning.quality == frame.header.quality
        assert frame.header.model_fields_set.isdisjoint({"codec", "key_frame", "crf"})


def test_a_pass_that_there_is_no_room_for_is_dropped_before_it_is_encoded() -> None:
    model = FakeModel()
    with play_server(fake_services(model), limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        frame = client.played_frame(is_video)
        drawn(client, frame)  # from now on the server waits for this client
        frame = client.played_frame()
        world = model.engines[0].worlds[0]
        reached = world.pass_number
        wait_until(lambda: world.pass_number > reached + 5, "the world plays on")
        numbers = _numbers(client, frame, passes=6)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "every unit that was encoded has come"
        assert server.sessions()[0]["passes_replaced"] > 0


def _numbers(client: PlayClient, frame: Frame, *, passes: int) -> list[int]:
    numbers = list[int]()
    for _ in range(passes):
        numbers += [read_fake_unit(unit).number for unit in frame.jpegs]
        drawn(client, frame)
        frame = client.played_frame()
    return numbers


def test_a_held_pass_is_shown_when_there_is_room_even_if_the_world_rests() -> None:
    model = FakeModel()
    with play_server(fake_services(model), limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        frame = client.played_frame(is_video)
        drawn(client, frame)
        world = model.engines[0].worlds[0]
        reached = world.pass_number
        wait_until(lambda: world.pass_number > reached + 5, "the world plays on")
        client.send("pause")
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]  # the pause was received
        client.send("frame_ack", frame_id=1 << 30, epoch=frame.header.epoch)
        assert client.played_frame().content.pass_number == world.pass_number


def test_a_world_that_starts_over_begins_with_a_key_frame() -> None:
    with play_server(limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        epoch = client.played_frame(is_video).header.epoch
        client.send("reset")
        client.control("W")
        assert client.played_frame(lambda frame: frame.header.epoch != epoch).header.key_frame


def test_video_is_switched_in_play_and_the_world_is_untouched() -> None:
    encoder, model = FakeVideoEncoder(), FakeModel()
    with (
        play_server(fake_services(model, video_encoder=encoder), limits=_AWAKE) as server,
        watching(server) as client,
    ):
        client.control("W")
        client.played_frame(is_video)
        assert client.reply(client.request("video", codec="jpeg"))["data"] == {"codec": "jpeg"}
        as_jpeg = client.played_frame(lambda frame: not is_video(frame))
        assert encoder.streams == set()
        assert client.reply(client.request("video", codec="h264"))["data"] == {"codec": "h264"}
        as_video = client.played_frame(is_video)
        assert as_video.header.key_frame
        assert as_video.content.pass_number > as_jpeg.content.pass_number
        assert as_video.header.epoch == as_jpeg.header.epoch
        assert len(model.engines[0].worlds) == 1


def test_another_engine_of_another_size_goes_on_in_the_same_connection_and_for_those_who_watch() -> None:
    encoder, small = FakeVideoEncoder(), FakeModel()
    large = FakeModel(
        "fake/large", make_engine=lambda model_id: FakeWorldEngine(model_id, height=64, width=96, frames_per_pass=4)
    )
    with (
        play_server(fake_services(small, large, video_encoder=encoder), limits=_AWAKE) as server,
        watching(server) as client,
    ):
        link = client.reply(client.request("share"))["data"]["link"]
        url = f"ws://127.0.0.1:{server.server.port}/watch?link={link}&video=h264"
        with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
            seen = [client, PlayClient(socket, extended=True)]
            client.control("W")
            for each in seen:
                assert width_of(each.played_frame(is_video)) == 48
            for model, width, count in (("fake/large", 96, 4), ("fake/world", 48, 2)):
                assert client.reply(client.init(picture(0, 90), model=model))["success"]
                client.control("W")
                for each in seen:
                    first = each.played_frame(lambda frame, width=width: is_video(frame) and width_of(frame) == width)
                    assert (first.header.key_frame, len(first.jpegs)) == (True, count)
                    assert first.content.seed_mean == (0, 90, 0)
    wait_until(lambda: encoder.streams == set(), "no stream is left")


def test_asking_again_brings_a_key_frame_and_the_picture_on_the_screen() -> None:
    with play_server(limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        client.played_frame(is_video)
        client.send("pause")
        asked = client.request("video", codec="h264")
        still = client.frame(lambda frame: len(frame.jpegs) == 1)
        assert read_fake_jpeg(still.jpegs[0]).frame_content().pass_number > 0
        assert client.reply(asked)["data"] == {"codec": "h264"}
        client.send("resume")
        client.control("W")
        assert client.played_frame(is_video).header.key_frame


def test_a_decoder_that_lost_a_frame_in_play_gets_a_key_frame_of_the_same_stream_and_nothing_before_it() -> None:
    encoder = FakeVideoEncoder()
    with play_server(fake_services(video_encoder=encoder), limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        seen = client.played_frame(is_video)
        client.request("video", codec="h264")
        frames = [seen]
        while not (frames[-1].header.key_frame and frames[-1] is not seen):
            drawn(client, frames[-1])
            frames.append(client.frame())
        assert all(is_video(frame) for frame in frames)
        numbers = [read_fake_unit(unit).number for frame in frames for unit in frame.jpegs]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(encoder.opened) == 1
        (count, first), hurried = (seen.header.temporal_compression, seen.header.frame_id), frames[-1]
        assert (len(hurried.jpegs), (hurried.header.frame_id - first) % count) == (1, count - 1), "its pass's newest"


def test_video_needs_a_world() -> None:
    with play_server() as server, server.client(extended=True) as client:
        assert client.reply(client.request("video", codec="h264"))["code"] == "notReady"


def test_a_server_that_cannot_encode_says_so_and_sends_jpegs() -> None:
    encoder = FakeVideoEncoder(fail=VideoEncoderError("There is no ffmpeg on this machine."))
    with play_server(fake_services(video_encoder=encoder), limits=_AWAKE) as server, watching(server) as client:
        client.control("W")
        assert not is_video(client.played_frame())
        assert client.reply(client.request("video", codec="h264"))["data"] == {"codec": "jpeg"}


def test_an_encoder_that_fails_in_play_leaves_jpegs_and_loses_no_pass() -> None:
    encoder, model = FakeVideoEncoder(), FakeModel()
    with (
        play_server(fake_services(model, video_encoder=encoder), limits=_AWAKE) as server,
        watching(server) as client,
    ):
        client.control("W")
        client.played_frame(is_video)
        encoder.fail = VideoEncoderError("The encoder does not answer.")
        frame = client.played_frame(lambda frame: not is_video(frame))
        assert not is_video(client.played_frame(lambda later: later.content.pass_number > frame.content.pass_number))
        assert len(model.engines[0].worlds) == 1
        encoder.fail = None
        assert client.reply(client.request("video", codec="h264"))["data"] == {"codec": "h264"}
        assert client.played_frame(is_video).header.key_frame


def test_a_recording_of_a_video_session_is_what_was_encoded_for_the_player(tmp_path: Path) -> None:
    writer, encoder = FakeVideoWriter(), FakeVideoEncoder()
    services = fake_services(video_writer=writer, video_encoder=encoder, recordings_dir=tmp_path)
    with play_server(services, limits=_AWAKE, data_dir=tmp_path) as server, watching(server) as client:
        client.control("W")
        client.played_frame(is_video)
        assert client.reply(client.request("recording", on=True))["success"]
        client.of_type("recording", event="started")
        client.played_frame(lambda frame: bool(frame.header.key_frame))
        for _ in range(4):
            client.played_frame(is_video)
        assert client.reply(client.request("recording", on=False, keep_short=True))["success"]
        (recording,) = writer.recordings
        assert isinstance(recording, FakeCopiedRecording)
        contents = [read_fake_unit(unit) for _, _, units in recording.passes for unit in units]
        assert len(contents) > 4
        numbers = [content.number for content in contents]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert {content.crf for content in contents} == {VideoConfig().crf}


def test_a_recording_stays_fine_where_the_link_is_slow(tmp_path: Path) -> None:
    writer = FakeVideoWriter()
    services = fake_services(video_writer=writer, recordings_dir=tmp_path)
    with play_server(services, limits=_AWAKE, data_dir=tmp_path) as server, watching(server) as client:
        client.control("W")
        drawn(client, client.played_frame(is_video))  # and nothing more, so that the link seems to stand still
        assert client.reply(client.request("recording", on=True))["success"]
        wait_until(lambda: bool(writer.recordings), "a recording was begun")
        recording = writer.recordings[0]
        wait_until(lambda: len(recording.passes) > 40, "passes that the player never gets are recorded")
        crfs = {read_fake_unit(unit).crf for _, _, units in recording.passes for unit in units}
        assert crfs == {VideoConfig().crf}


def test_an_ended_session_gives_its_streams_back() -> None:
    encoder = FakeVideoEncoder()
    with play_server(fake_services(video_encoder=encoder), limits=_AWAKE) as server:
        with watching(server) as client:
            client.control("W")
            client.played_frame(is_video)
        wait_until(lambda: not encoder.streams and not server.sessions(), "the session has ended")


def test_the_quality_of_video_falls_and_rises_in_few_steps_within_its_bounds() -> None:
    config = VideoConfig(crf=23, coarsest_crf=38, most_mbit_s=12.0, least_mbit_s=1.2)
    quality = VideoQuality(Current.fixed(config))
    seen = [quality.tuning]
    for _ in range(10):
        for number in range(16):
            quality.pass_posted(dropped_another=number % 2 == 0)
        seen.append(quality.tuning)
    assert [tuning.crf for tuning in seen[:7]] == [23, 26, 29, 32, 35, 38, 38]
    assert seen[-1].max_bit_s == pytest.approx(1.2e6, rel=0.01)
    for _ in range(16 * 4 * 10):
        quality.pass_posted(dropped_another=False)
    assert (quality.tuning.crf, quality.tuning.max_bit_s) == (23, 12_000_000)


def test_a_slow_client_gets_a_coarser_stream_that_begins_with_a_key_frame() -> None:
    encoder, model = FakeVideoEncoder(), FakeModel()
    with (
        play_server(fake_services(model, video_encoder=encoder), limits=_AWAKE) as server,
        watching(server) as client,
    ):
        client.control("W")
        frame = client.played_frame(is_video)
        world = model.engines[0].worlds[0]
        while frame.header.crf == VideoConfig().crf:
            reached = world.pass_number
            wait_until(lambda reached=reached: world.pass_number > reached + 3, "the world is ahead")
            drawn(client, frame)
            frame = client.played_frame()
        assert frame.header.key_frame
        assert (frame.header.crf or 0) > VideoConfig().crf
        wait_until(lambda: len(encoder.streams) == 1, "the finer stream was closed")


def test_a_cancelled_open_leaves_no_stream() -> None:
    encoder = FakeVideoEncoder()
    with play_server(fake_services(video_encoder=encoder)) as server:
        for _ in range(3):
            with watching(server):
                pass
        wait_until(lambda: not server.sessions(), "the sessions have ended")
        server.run(asyncio.sleep(0))
        assert encoder.streams == set()
