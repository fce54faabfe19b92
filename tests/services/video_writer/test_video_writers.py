"""What every video writer does, the real one and the fake."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from services.video_writer._recording_run import WriterLimits
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Incomplete,
    Postponed,
    RecordingFault,
    RecordingPhase,
    VideoError,
    VideoWriter,
)
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.services.video_writer.videos import HEIGHT, LIMIT_S, METADATA, WIDTH, Ends, jpeg, plan, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MakeWriter(Protocol):
    def __call__(self) -> VideoWriter: ...


@pytest.fixture(params=[FfmpegVideoWriter, FakeVideoWriter])
def make_writer(request: pytest.FixtureRequest) -> Iterator[MakeWriter]:
    """Writers of one kind, closed at the end."""
    made: list[VideoWriter] = []

    def make() -> VideoWriter:
        made.append(request.param())
        return made[-1]

    yield make
    for writer in made:
        writer.close(LIMIT_S)


@pytest.fixture
def writer(make_writer: MakeWriter) -> VideoWriter:
    return make_writer()


@dataclass
class Disk:
    """A writer whose disk a test can fill up."""

    writer: FfmpegVideoWriter | FakeVideoWriter
    room: list[int]

    def fill(self) -> None:
        self._set(0)

    def empty(self) -> None:
        self._set(10**12)

    def _set(self, free_bytes: int) -> None:
        self.room[0] = free_bytes
        if isinstance(self.writer, FakeVideoWriter):
            self.writer.is_full = free_bytes == 0


@pytest.fixture(params=["ffmpeg", "fake"])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    room = [10**12]
    limits = WriterLimits(free_bytes=lambda _: room[0])
    writer = FfmpegVideoWriter(limits=limits, hardware=()) if request.param == "ffmpeg" else FakeVideoWriter()
    yield Disk(writer, room)
    writer.close(LIMIT_S)


def test_a_finished_recording_is_a_file_and_nothing_else(writer: VideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "new folder" / "walk.mp4"
    recording = writer.start(path, plan(), ends.on_end, ends.on_fault)
    recording.finish(ended_at=play(recording, 15))
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    assert (outcome.path, outcome.frames, outcome.size_bytes) == (path, 30, path.stat().st_size)
    assert outcome.duration_s == pytest.approx(1.0, abs=1 / 60)
    assert [file.name for file in path.parent.iterdir()] == ["walk.mp4"]
    assert recording.path == path
    assert ends.faults == []


def test_a_file_tells_what_it_was_given(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play(recording, 15))
    ends.wait()
    facts = writer.describe(tmp_path / "walk.mp4")
    assert (facts.width, facts.height, facts.frames, facts.metadata) == (WIDTH, HEIGHT, 30, METADATA)
    assert facts.duration_s == pytest.approx(1.0, abs=1 / 60)
    assert facts.size_bytes == (tmp_path / "walk.mp4").stat().st_size
    assert writer.thumbnail(tmp_path / "walk.mp4", width=80)[:2] == b"\xff\xd8"


def test_progress_follows_a_recording_to_its_end(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    assert recording.progress().phase is RecordingPhase.RECORDING
    assert recording.progress().frames == 0
    ended_at = play(recording, 15)
    assert recording.progress().frames == 30
    assert recording.progress().duration_s == pytest.approx(1.0, abs=0.01)
    recording.finish(ended_at=ended_at)
    assert recording.progress().phase is not RecordingPhase.RECORDING
    ends.wait()
    assert recording.progress().phase is RecordingPhase.ENDED


def test_while_it_goes_on_the_file_has_another_name(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 15)
    assert not (tmp_path / "walk.mp4").exists()
    recording.discard()
    ends.wait()


def test_a_discarded_recording_leaves_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play(recording, 15)
    recording.discard()
    recording.discard()
    assert ends.wait() == Discarded(tmp_path / "walk.mp4")
    assert list(tmp_path.iterdir()) == []
    assert ends.faults == []


def test_a_recording_without_a_frame_leaves_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.write([], started_at=1.0, shown_for_s=0.1)
    recording.finish(ended_at=9.0)
    assert ends.wait() == Discarded(tmp_path / "walk.mp4")
    assert list(tmp_path.iterdir()) == []


def test_calls_after_the_end_do_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play(recording, 15))
    play(recording, 15, begin=15)
    recording.caption("Too late", at=1000.5)
    recording.finish(ended_at=2000.0)
    outcome = ends.wait()
    recording.discard()
    recording.finish()
    assert isinstance(outcome, Finished)
    assert outcome.frames == 30
    assert (tmp_path / "walk.mp4").exists()


def test_a_name_that_is_taken_is_left_alone(writer: VideoWriter, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").write_bytes(b"precious")
    ends = Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play(recording, 15)
    recording.finish()
    outcome = ends.wait()
    assert isinstance(outcome, Failed)
    assert (outcome.fault, outcome.kept) == (RecordingFault.NAME_TAKEN, None)
    assert ends.faults == [RecordingFault.NAME_TAKEN]
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("walk.mp4", b"precious")]


def test_recordings_go_on_side_by_side(writer: VideoWriter, tmp_path: Path) -> None:
    started = [(ends := Ends(), writer.start(tmp_path / f"{n}.mp4", plan(), ends.on_end)) for n in range(3)]
    for _, recording in started:
        recording.finish(ended_at=play(recording, 15))
    for ends, _ in started:
        assert isinstance(ends.wait(), Finished)


def test_close_finishes_what_is_open_and_takes_no_more(writer: VideoWriter, tmp_path: Path) -> None:
    ends, late = Ends(), Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 15)
    writer.close(LIMIT_S)
    writer.close(LIMIT_S)
    assert isinstance(ends.outcomes[0], Finished)
    writer.start(tmp_path / "late.mp4", plan(), late.on_end, late.on_fault)
    outcome = late.wait()
    assert isinstance(outcome, Failed)
    assert [outcome.fault] == late.faults == [RecordingFault.WRITER_CLOSED]
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_the_next_writer_recovers_what_close_postponed(make_writer: MakeWriter, tmp_path: Path) -> None:
    writer, ends = make_writer(), Ends()
    if isinstance(writer, FakeVideoWriter):
        writer.hold = threading.Event()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 150)
    recording.caption("A caption", at=1001.0)
    writer.close(0.0)
    assert ends.wait() == Postponed(tmp_path / "walk.mp4")
    recovered = Ends()
    make_writer().recover(tmp_path, recovered.on_end)
    outcome = recovered.wait()
    assert isinstance(outcome, Finished)
    assert outcome.frames == 300
    assert outcome.duration_s == pytest.approx(10.0, abs=1 / 30)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_recovery_leaves_alone_what_is_being_recorded(writer: VideoWriter, tmp_path: Path) -> None:
    ends, recovered = Ends(), Ends()
    recording = writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 15)
    writer.recover(tmp_path, recovered.on_end)
    writer.recover(tmp_path / "no such folder", recovered.on_end)
    assert recovered.outcomes == []
    recording.finish()
    assert isinstance(ends.wait(), Finished)


def test_on_a_full_disk_a_file_is_incomplete_until_there_is_room(disk: Disk, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = disk.writer.start(path, plan(), ends.on_end, ends.on_fault)
    ended_at = play(recording, 30)
    disk.fill()
    recording.finish(ended_at=ended_at)
    outcome = ends.wait()
    assert isinstance(outcome, Incomplete)
    assert (outcome.path, outcome.fault, outcome.metadata) == (path, RecordingFault.DISK_FULL, METADATA)
    assert ends.faults == [RecordingFault.DISK_FULL]
    assert outcome.duration_s == pytest.approx(2.0, abs=0.1)
    assert not path.exists()
    assert disk.writer.incomplete_video(path) == tmp_path / "walk.mp4.part"
    again, later = Ends(), Ends()
    disk.writer.complete(path, again.on_end)
    assert again.wait() == outcome, "it is tried again, as often as somebody likes"
    disk.empty()
    disk.writer.complete(path, later.on_end)
    finished = later.wait()
    assert isinstance(finished, Finished)
    assert (finished.path, finished.frames) == (path, 60)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]
    assert disk.writer.incomplete_video(path) is None


def test_what_is_incomplete_can_be_abandoned(disk: Disk, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = disk.writer.start(path, plan(), ends.on_end)
    play(recording, 15)
    disk.fill()
    recording.finish()
    assert isinstance(ends.wait(), Incomplete)
    disk.writer.abandon(path)
    assert list(tmp_path.iterdir()) == []
    late = Ends()
    disk.writer.complete(path, late.on_end)
    assert late.wait() == Discarded(path)


def test_a_closed_writer_leaves_what_is_incomplete_to_the_next(disk: Disk, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = disk.writer.start(path, plan(), ends.on_end)
    play(recording, 15)
    disk.fill()
    recording.finish()
    assert isinstance(ends.wait(), Incomplete)
    disk.writer.close(LIMIT_S)
    disk.empty()
    late, recovered = Ends(), Ends()
    disk.writer.complete(path, late.on_end)
    assert late.outcomes == []
    type(disk.writer)().recover(tmp_path, recovered.on_end)
    assert isinstance(recovered.wait(), Finished)


def test_a_file_that_is_not_a_video_cannot_be_described(writer: VideoWriter, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").write_bytes(jpeg(0))
    for path in (tmp_path / "walk.mp4", tmp_path / "none.mp4"):
        with pytest.raises(VideoError) as caught:
            writer.describe(path)
        assert str(tmp_path) not in str(caught.value)
        with pytest.raises(VideoError):
            writer.thumbnail(path, width=80)
