"""The recorder of one session by itself: what no request can ask for yet, and times to the second."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import RLock
from typing import TYPE_CHECKING

import pytest

from handlers.recorder_handler import RecorderHandler
from handlers.session.encoded_passes import EncodedPass, EncodedPasses, VideoSource
from handlers.session.newest_seconds import NewestSeconds
from handlers.session.recording import SessionRecorder
from handlers.session.video_track import VideoStills
from handlers.session.world import ActiveWorld, Seed, open_world
from runtime_config.current import Current
from runtime_config.runtime_config import RecordingConfig, VideoConfig
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from services.video_writer.video_writer import Discarded, Finished, RecordingFault
from state.app_state_types import AppState, EngineKey, Finishing, NotRecording, Recording
from state.transitions import IllegalTransitionError
from tests.belongings_rig import belongings
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_video_encoder import FakeVideoEncoder
from tests.fakes.fake_video_writer import FakeCopiedRecording, FakeJpegRecording, FakeVideoWriter
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed
from tests.waiting import deadline_s, wait_until, wait_until_async
from wire_protocol import FrameHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from wire_protocol import RecordingMessage


class Desk:
    """A session recorder with everything it needs, inside an event loop."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.writer = FakeVideoWriter()
        self.state = AppState()
        self.told: list[RecordingMessage] = []
        self.recorder = RecorderHandler(
            self.state,
            RLock(),
            writer=self.writer,
            store=DirectoryRecordingStore(folder, self.writer.describe),
            belongings=belongings(),
            task_runner=ThreadingTaskRunner(lambda _name, _error: None),
            clock=self.clock,
            config=Current.fixed(RecordingConfig()),
        )
        self._threads = ThreadPoolExecutor(1)
        self.passes = EncodedPasses(self.clock)
        self.newest_seconds = NewestSeconds(self.clock, lambda: 1_000_000)
        self.session = SessionRecorder(
            self.recorder,
            "5e55",
            owner="",
            clock=self.clock,
            work_threads=self._threads,
            passes=self.passes,
            newest_seconds=self.newest_seconds,
            stills=VideoStills(FakeVideoEncoder(), PillowPictureDecoder(), Current.fixed(VideoConfig()), self._threads),
            post=self.told.append,
            extended=True,
        )

    def state_of_first(self) -> object:
        return self.recorder.state_of(self.writer.recordings[0].path.stem)

    async def told_of(self, event: str) -> RecordingMessage:
        def found() -> list[RecordingMessage]:
            return [message for message in self.told if message.event == event]

        await wait_until_async(lambda: bool(found()), f"“{event}” was told")
        return found()[0]


def world() -> ActiveWorld:
    engine, seed = FakeWorldEngine(), fake_seed(10)
    return open_world(EngineKey("fake/world", "none"), engine, Seed("ab" * 32, b"", "A hill"), seed, 7)


def at_a_desk(folder: Path, play: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
    async def run() -> Desk:
        desk = Desk(folder)
        async with asyncio.timeout(deadline_s()):
            await play(desk)
        return desk

    return asyncio.run(run())


def test_a_caption_goes_into_the_segment_that_runs(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        desk.session.caption("Nobody sees this")
        await desk.session.switch(on=True, keep_short=False)
        desk.session.playing(world())
        desk.session.shown((b"one",), 0.1)
        desk.clock.advance(2)
        desk.session.caption("A door opens")
        desk.session.cut()

    desk = at_a_desk(tmp_path, play)
    assert desk.writer.recordings[0].captions == [(2.0, "A door opens")]


@pytest.mark.parametrize(("length_s", "kind"), [(2.9, Discarded), (3.1, Finished)])
def test_three_seconds_are_long_enough(tmp_path: Path, length_s: float, kind: type) -> None:
    async def play(desk: Desk) -> None:
        await desk.session.switch(on=True, keep_short=False)
        desk.session.playing(world())
        assert isinstance(desk.state_of_first(), Recording)
        desk.session.shown((b"one", b"two"), 0.1)
        desk.clock.advance(length_s)
        desk.session.cut()
        assert isinstance(desk.state_of_first(), Finishing | NotRecording)
        await desk.told_of("saved" if kind is Finished else "removed")
        assert isinstance(desk.state_of_first(), NotRecording)

    desk = at_a_desk(tmp_path, play)
    assert isinstance(desk.writer.recordings[0].outcome, kind)
    assert desk.state.recordings == {}


def test_standing_still_takes_its_time(tmp_path: Path) -> None:
    """No pass is made while no key is pressed, so the file holds the last picture."""

    async def play(desk: Desk) -> None:
        await desk.session.switch(on=True, keep_short=False)
        desk.session.playing(world())
        desk.session.shown((b"one", b"two"), 0.1)
        desk.clock.advance(60)
        desk.session.cut()
        assert (await desk.told_of("saved")).duration_s == pytest.approx(60, abs=0.1)

    at_a_desk(tmp_path, play)


def test_a_failure_before_the_start_is_over_leaves_nothing_behind(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        desk.writer.fail_next = RecordingFault.FOLDER_GONE
        await desk.session.switch(on=True, keep_short=False)
        desk.session.playing(world())
        assert (await desk.told_of("failed")).code == "recordingFolderUnusable"
        desk.session.shown((b"late",), 0.1)
        desk.session.playing(world())
        desk.session.cut()

    desk = at_a_desk(tmp_path, play)
    assert (len(desk.writer.recordings), desk.state.recordings) == (1, {})


def test_news_that_come_after_the_session_disturb_nobody(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await desk.session.switch(on=True, keep_short=True)
        desk.session.playing(world())
        desk.session.shown((b"one",), 0.1)

    desk = at_a_desk(tmp_path, play)  # the event loop is closed by now
    desk.writer.recordings[0].fail(RecordingFault.DISK_FULL)
    wait_until(lambda: desk.state.recordings == {}, "the recording is over all the same")


def test_a_name_is_never_recorded_into_twice(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await desk.session.switch(on=True, keep_short=False)
        desk.session.playing(world())
        desk.session._segments = 0  # pyright: ignore[reportPrivateUsage] - a defect, made on purpose
        desk.session._open = None  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(IllegalTransitionError):
            desk.session.playing(world())

    at_a_desk(tmp_path, play)


# --------------------------------------------------------------------------------------------------- as H.264


def video_pass(unit: bytes, *, is_key: bool = False) -> EncodedPass:
    return EncodedPass.of(
        FrameHeader(frame_id=0, client_ts=0.0, epoch=0, gen_ms=50.0, codec="h264", key_frame=is_key, crf=20), (unit,)
    )


def jpeg_pass(*, gen_ms: float) -> EncodedPass:
    return EncodedPass.of(
        FrameHeader(frame_id=0, client_ts=0.0, epoch=0, gen_ms=gen_ms), (b"no JPEG that could be decoded",)
    )


async def record_video(desk: Desk) -> None:
    await desk.session.switch(on=True, keep_short=False)
    desk.session.playing(world(), as_video=True)


def test_what_is_encoded_as_video_is_recorded_as_it_is_from_a_key_frame_on(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await record_video(desk)
        assert desk.passes.wants_key_frame(VideoSource.PLAYER)
        desk.passes.publish_video(video_pass(b"builds on what is missing"), VideoSource.PLAYER)
        desk.passes.publish_video(video_pass(b"one", is_key=True), VideoSource.PLAYER)
        desk.passes.publish_video(video_pass(b"two"), VideoSource.PLAYER)
        desk.session.shown((b"a JPEG",), 0.1)
        desk.session.cut()
        desk.passes.publish_video(video_pass(b"too late"), VideoSource.PLAYER)

    (recording,) = at_a_desk(tmp_path, play).writer.recordings
    assert isinstance(recording, FakeCopiedRecording)
    assert [units for _, _, units in recording.passes] == [(b"one",), (b"two",)]


def test_a_key_frame_is_asked_for_every_two_seconds(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await record_video(desk)
        desk.passes.publish_video(video_pass(b"one", is_key=True), VideoSource.PLAYER)
        desk.clock.advance(1.9)
        assert not desk.passes.wants_key_frame(VideoSource.PLAYER)
        desk.clock.advance(0.2)
        assert desk.passes.wants_key_frame(VideoSource.PLAYER)

    at_a_desk(tmp_path, play)


def test_another_moment_begins_with_a_key_frame(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await record_video(desk)
        desk.passes.publish_video(video_pass(b"one", is_key=True), VideoSource.PLAYER)
        desk.passes.begin_epoch(0)
        desk.passes.publish_video(video_pass(b"builds on another moment"), VideoSource.PLAYER)
        desk.passes.publish_video(video_pass(b"two", is_key=True), VideoSource.PLAYER)
        desk.session.cut()

    (recording,) = at_a_desk(tmp_path, play).writer.recordings
    assert [units for _, _, units in recording.passes] == [(b"one",), (b"two",)]


def test_a_caption_begins_a_segment_of_jpegs(tmp_path: Path) -> None:
    """It has to be drawn into the frames, so these have to be encoded."""

    async def play(desk: Desk) -> None:
        await record_video(desk)
        desk.passes.publish_video(video_pass(b"one", is_key=True), VideoSource.PLAYER)
        desk.session.caption("A door opens")
        desk.session.seen(b"what is seen now")
        desk.session.playing(world(), as_video=True)
        desk.session.cut()
        desk.session.playing(world(), as_video=True)
        await desk.session.switch(on=False, keep_short=True)
        await record_video(desk)

    first, second, third, fourth = at_a_desk(tmp_path, play).writer.recordings
    assert isinstance(first, FakeCopiedRecording)
    assert isinstance(first.outcome, Finished | None)
    assert isinstance(second, FakeJpegRecording)
    assert second.passes[0][2] == (b"what is seen now",)
    assert second.captions == [(0.0, "A door opens")]
    assert isinstance(third, FakeJpegRecording), "there may be more captions"
    assert third.captions == []
    assert isinstance(fourth, FakeCopiedRecording), "recording was asked for anew"


def test_where_no_video_comes_any_more_a_segment_of_jpegs_begins(tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        await record_video(desk)
        desk.passes.publish_video(video_pass(b"one", is_key=True), VideoSource.PLAYER)
        desk.passes.publish_jpegs(jpeg_pass(gen_ms=0.0), to_all=True)  # a still picture says nothing
        for _ in range(89):
            desk.passes.publish_jpegs(jpeg_pass(gen_ms=50.0), to_all=True)
        desk.session.playing(world(), as_video=True)
        assert len(desk.writer.recordings) == 1
        desk.passes.publish_jpegs(jpeg_pass(gen_ms=50.0), to_all=True)
        desk.session.playing(world(), as_video=True)

    _, second = at_a_desk(tmp_path, play).writer.recordings
    assert isinstance(second, FakeJpegRecording)
