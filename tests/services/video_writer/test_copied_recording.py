"""Recordings of H.264 that is encoded already: what every video writer does, and what the real files hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from services.video_encoder.annex_b import parameter_sets
from services.video_encoder.video_encoder import VideoTuning
from services.video_writer._recording_run import WriterLimits
from services.video_writer._work_files import WorkFiles
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Postponed,
    RecordingFault,
    RecordingPhase,
    VideoWriter,
)
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.services.video_writer import copying_process
from tests.services.video_writer.units import FPS, encoded, play_units
from tests.services.video_writer.videos import (
    HEIGHT,
    LIMIT_S,
    METADATA,
    WIDTH,
    Ends,
    decoded,
    ffmpeg,
    number_of,
    packet_times_s,
    plan,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[FfmpegVideoWriter, FakeVideoWriter])
def writer(request: pytest.FixtureRequest) -> Iterator[VideoWriter]:
    made: VideoWriter = request.param()
    yield made
    made.close(LIMIT_S)


@pytest.fixture
def real_writer() -> Iterator[FfmpegVideoWriter]:
    made = FfmpegVideoWriter(hardware=())
    yield made
    made.close(LIMIT_S)


def test_a_finished_recording_is_a_file_and_nothing_else(writer: VideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "new folder" / "walk.mp4"
    recording = writer.start_copy(path, plan(), ends.on_end, ends.on_fault)
    ended_at = play_units(recording, encoded())
    assert recording.progress().phase is RecordingPhase.RECORDING
    assert recording.progress().frames == 45
    recording.finish(ended_at=ended_at)
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    assert (outcome.path, outcome.frames, outcome.size_bytes) == (path, 45, path.stat().st_size)
    assert outcome.duration_s == pytest.approx(1.5, abs=0.01)
    assert [file.name for file in path.parent.iterdir()] == ["walk.mp4"]
    facts = writer.describe(path)
    assert (facts.width, facts.height, facts.metadata) == (WIDTH, HEIGHT, METADATA)
    assert writer.thumbnail(path, width=80)[:2] == b"\xff\xd8"
    assert ends.faults == []


def test_it_begins_with_the_first_key_frame(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play_units(recording, encoded()[20:]))
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    assert outcome.frames == 15


def test_without_a_key_frame_there_is_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play_units(recording, encoded()[1:20]))
    assert ends.wait() == Discarded(tmp_path / "walk.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_recording_leaves_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play_units(recording, encoded())
    recording.discard()
    recording.discard()
    assert ends.wait() == Discarded(tmp_path / "walk.mp4")
    assert list(tmp_path.iterdir()) == []
    assert ends.faults == []


def test_what_comes_after_the_end_does_nothing(writer: VideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play_units(recording, encoded()))
    play_units(recording, encoded(), begin_s=2000.0)
    recording.finish(ended_at=2000.0)
    outcome = ends.wait()
    recording.discard()
    assert isinstance(outcome, Finished)
    assert outcome.frames == 45


def test_a_name_that_is_taken_is_left_alone(writer: VideoWriter, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").write_bytes(b"precious")
    ends = Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play_units(recording, encoded())
    recording.finish()
    outcome = ends.wait()
    assert isinstance(outcome, Failed)
    assert (outcome.fault, outcome.kept, ends.faults) == (RecordingFault.NAME_TAKEN, None, [RecordingFault.NAME_TAKEN])
    assert (tmp_path / "walk.mp4").read_bytes() == b"precious"


def test_a_closed_writer_takes_no_more(writer: VideoWriter, tmp_path: Path) -> None:
    ends, late = Ends(), Ends()
    recording = writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end)
    play_units(recording, encoded())
    writer.close(LIMIT_S)
    assert isinstance(ends.outcomes[0], Finished)
    writer.start_copy(tmp_path / "late.mp4", plan(), late.on_end, late.on_fault)
    outcome = late.wait()
    assert isinstance(outcome, Failed)
    assert [outcome.fault] == late.faults == [RecordingFault.WRITER_CLOSED]


def test_the_next_writer_recovers_what_close_postponed(real_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, recovered = Ends(), Ends()
    recording = real_writer.start_copy(tmp_path / "walk.mp4", plan(), ends.on_end)
    play_units(recording, encoded())
    real_writer.close(0.0)
    assert ends.wait() == Postponed(tmp_path / "walk.mp4")
    FfmpegVideoWriter(hardware=()).recover(tmp_path, recovered.on_end)
    outcome = recovered.wait()
    assert isinstance(outcome, Finished)
    assert outcome.frames >= 44  # nobody said when the last pass ended, so it was never settled
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_every_frame_is_what_was_seen_when_it_was_seen(real_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    """A stall of two seconds after the tenth frame, and a last frame that stays for one."""
    ends, path, units = Ends(), tmp_path / "walk.mp4", encoded()
    recording = real_writer.start_copy(path, plan(), ends.on_end)
    play_units(recording, units[:10])
    ended_at = play_units(recording, units[10:], begin_s=1002.0 + 10 / FPS)
    recording.finish(ended_at=ended_at + 1.0)
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    assert outcome.duration_s == pytest.approx(1.5 + 2.0 + 1.0, abs=0.01)
    assert [number_of(frame) for frame in decoded(path)] == list(range(45))
    wanted = [at / FPS + (2.0 if at >= 10 else 0.0) for at in range(45)]
    assert packet_times_s(path) == pytest.approx(wanted, abs=0.001)


def test_what_is_written_so_far_can_be_watched(real_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = real_writer.start_copy(path, plan(), ends.on_end)
    play_units(recording, encoded())
    wait_until(lambda: real_writer.incomplete_video(path) is not None)
    part = real_writer.incomplete_video(path)
    assert part is not None
    assert number_of(decoded(part)[12]) == 12
    recording.discard()
    ends.wait()


def test_a_full_disk_keeps_what_was_written_before(tmp_path: Path) -> None:
    room = [10**12]
    writer = FfmpegVideoWriter(hardware=(), limits=WriterLimits(free_bytes=lambda _: room[0]))
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = writer.start_copy(path, plan(), ends.on_end, ends.on_fault)
    play_units(recording, encoded())
    wait_until(lambda: writer.incomplete_video(path) is not None)
    room[0] = 0
    recording.finish()
    ends.wait()
    assert ends.faults == [RecordingFault.DISK_FULL]
    room[0], again = 10**12, Ends()
    writer.complete(path, again.on_end)
    assert isinstance(again.wait(), Finished)
    writer.close(LIMIT_S)


def test_a_killed_server_leaves_what_it_had_written(tmp_path: Path) -> None:
    path, recovered = tmp_path / "walk.mp4", Ends()
    process = subprocess.Popen(
        [sys.executable, "-m", copying_process.__name__, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "recorded\n"
    wait_until(lambda: WorkFiles(path).part.exists() and WorkFiles(path).part.stat().st_size > 2000)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    FfmpegVideoWriter(hardware=()).recover(tmp_path, recovered.on_end)
    outcome = recovered.wait()
    assert isinstance(outcome, Finished)
    assert [number_of(frame) for frame in decoded(path)][:15] == list(range(15))
    assert FfmpegVideoWriter(hardware=()).describe(path).metadata == METADATA
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_the_parameter_sets_are_the_same_at_every_quality() -> None:
    """So a recording goes on in one file while the quality follows the link."""
    fine, coarse = encoded(2), encoded(2, VideoTuning(crf=38, max_bit_s=1_200_000))
    assert parameter_sets(fine[0].data) == parameter_sets(coarse[0].data)
    assert parameter_sets(fine[0].data).sequence
    assert parameter_sets(fine[0].data).picture


def test_ffmpeg_finds_nothing_wrong_with_a_part_or_a_file(real_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = real_writer.start_copy(path, plan(), ends.on_end)
    ended_at = play_units(recording, encoded())
    wait_until(lambda: real_writer.incomplete_video(path) is not None)
    part = tmp_path / "part.mp4"
    part.write_bytes(WorkFiles(path).part.read_bytes())
    recording.finish(ended_at=ended_at)
    ends.wait()
    for video in (part, path):
        command = [ffmpeg(), "-v", "warning", "-i", video, "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
