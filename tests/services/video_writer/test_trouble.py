"""What goes wrong is told as a typed failure, play goes on, and what was recorded is kept."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from services.video_writer._backlog import MemoryLimits
from services.video_writer._recording_run import WriterLimits
from services.video_writer._spool import free_bytes
from services.video_writer._work_files import WorkFiles
from services.video_writer.video_writer import Discarded, Failed, Finished, Incomplete, RecordingFault, RecordingOutcome
from tests.services.video_writer.videos import (
    COUNT,
    LIMIT_S,
    Ends,
    Wrapper,
    decoded,
    encoder_pid,
    is_alive,
    number_of,
    packet_times_s,
    plan,
    play,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
    from tests.services.video_writer.conftest import MakeFfmpegWriter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and stops processes with POSIX signals")


def fault_of(outcome: RecordingOutcome) -> RecordingFault:
    assert isinstance(outcome, Failed | Incomplete)
    assert outcome.sentence.endswith(".")
    return outcome.fault


def test_a_killed_encoder_ends_the_recording_and_nothing_is_lost(
    ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path
) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = ffmpeg_writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 30)
    wait_until(lambda: recording.progress().waiting_frames == 0)
    os.kill(encoder_pid(path), signal.SIGKILL)
    play(recording, 30, begin=30)
    assert ends.failed.wait(LIMIT_S)
    play(recording, 30, begin=60)  # too late, and no exception
    outcome = ends.wait()
    assert ends.faults == [fault_of(outcome)] == [RecordingFault.ENCODER_FAILED]
    assert isinstance(outcome, Failed)
    assert outcome.kept is not None
    shown = [number_of(frame) for frame in decoded(path)]
    assert shown == [n % COUNT for n in range(len(shown))]
    assert len(shown) >= 58  # what was taken before, but for the pass that is held back
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_without_ffmpeg_nothing_is_recorded(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    ends = Ends()
    writer = make_ffmpeg_writer(executable=tmp_path / "no ffmpeg")
    recording = writer.start(tmp_path / "recordings" / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play(recording, 10)
    recording.finish()
    assert fault_of(ends.wait()) is RecordingFault.ENCODER_MISSING
    assert ends.faults == [RecordingFault.ENCODER_MISSING]


def test_a_full_disk_under_ffmpeg_is_said_to_be_full(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    wrapper = Wrapper.make(tmp_path, "if encodes: args[-1] = '/dev/full'")
    ends = Ends()
    recording = make_ffmpeg_writer(executable=wrapper.path).start(
        tmp_path / "recordings" / "walk.mp4", plan(), ends.on_end, ends.on_fault
    )
    play(recording, 60)
    assert ends.failed.wait(LIMIT_S)
    assert fault_of(ends.wait()) is RecordingFault.DISK_FULL
    assert ends.faults == [RecordingFault.DISK_FULL]


def test_a_disk_that_fills_up_ends_the_recording_while_it_can_be_completed(
    make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path
) -> None:
    free = [10**12]
    writer = make_ffmpeg_writer(limits=WriterLimits(reserve_bytes=10**6, free_bytes=lambda _: free[0]))
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 30)
    wait_until(WorkFiles(path).part.exists)
    free[0] = 10**6
    passes = 30
    while not ends.failed.wait(0.1):
        play(recording, 1, begin=passes)
        passes += 1
    outcome = ends.wait()
    assert fault_of(outcome) is RecordingFault.DISK_FULL
    assert isinstance(outcome, Failed)
    assert outcome.kept is not None
    shown = [number_of(frame) for frame in decoded(path)]
    assert len(shown) >= 58
    assert shown == [n % COUNT for n in range(len(shown))]


def test_a_folder_that_is_removed_ends_the_recording(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, folder = Ends(), tmp_path / "recordings"
    recording = ffmpeg_writer.start(folder / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    play(recording, 30)
    wait_until(WorkFiles(folder / "walk.mp4").part.exists)
    shutil.rmtree(folder)
    passes = 30
    while not ends.failed.wait(0.1):
        play(recording, 1, begin=passes)
        passes += 1
    assert fault_of(ends.wait()) is RecordingFault.FOLDER_GONE
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_reported(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ends = Ends()
    ffmpeg_writer.start(tmp_path / "file" / "folder" / "walk.mp4", plan(), ends.on_end, ends.on_fault)
    assert fault_of(ends.wait()) in {RecordingFault.FOLDER_GONE, RecordingFault.NOT_WRITABLE}


def test_a_slow_encoder_is_waited_for_on_the_disk(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = ffmpeg_writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 2)
    pid = encoder_pid(path)
    os.kill(pid, signal.SIGSTOP)
    play(recording, 448, begin=2)
    wait_until(lambda: recording.progress().spooled_bytes > 0 and recording.progress().waiting_bytes < 10**6)
    progress = recording.progress()
    assert progress.frames == 900
    assert progress.waiting_frames > 700
    recording.finish()
    os.kill(pid, signal.SIGCONT)
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    assert ends.faults == []
    assert [number_of(frame) for frame in decoded(path)] == [n % COUNT for n in range(900)]
    assert packet_times_s(path) == pytest.approx([n / 30 for n in range(900)], abs=0.0005)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_too_much_on_the_disk_ends_the_recording_and_nothing_taken_is_lost(
    make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path
) -> None:
    limits = WriterLimits(memory=MemoryLimits(span_s=0.5), spool_bytes=400_000, spool_chunk_bytes=50_000)
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = make_ffmpeg_writer(limits=limits).start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 2)
    pid = encoder_pid(path)
    os.kill(pid, signal.SIGSTOP)
    passes = 2
    while not ends.failed.wait(0.01):
        play(recording, 1, begin=passes)
        passes += 1
    assert ends.faults == [RecordingFault.ENCODER_TOO_SLOW]
    assert ends.outcomes == []  # what waits is still being encoded
    taken = recording.progress().frames
    os.kill(pid, signal.SIGCONT)
    outcome = ends.wait()
    assert fault_of(outcome) is RecordingFault.ENCODER_TOO_SLOW
    assert isinstance(outcome, Failed)
    assert outcome.kept is not None
    shown = [number_of(frame) for frame in decoded(path)]
    assert shown == [n % COUNT for n in range(len(shown))]
    assert taken - 4 <= len(shown) <= taken  # the pass that was held back is not in it


def test_a_recording_is_discarded_while_its_encoder_hangs(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, path = Ends(), tmp_path / "walk.mp4"
    recording = ffmpeg_writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 2)
    pid = encoder_pid(path)
    os.kill(pid, signal.SIGSTOP)
    play(recording, 200, begin=2)
    recording.discard()
    assert ends.wait() == Discarded(path)
    assert not is_alive(pid)
    assert list(tmp_path.iterdir()) == []


def test_close_is_bounded_while_an_encoder_hangs(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    writer, ends, path = make_ffmpeg_writer(), Ends(), tmp_path / "walk.mp4"
    recording = writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 2)
    pid = encoder_pid(path)
    os.kill(pid, signal.SIGSTOP)
    play(recording, 98, begin=2)
    writer.close(1.0)
    ends.wait()
    assert not is_alive(pid)
    recovered = Ends()
    make_ffmpeg_writer().recover(tmp_path, recovered.on_end)
    assert isinstance(recovered.wait(), Finished)
    assert [number_of(frame) for frame in decoded(path)] == [n % COUNT for n in range(200)]


def test_an_error_in_the_callback_stays_there(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    def on_end(outcome: RecordingOutcome) -> None:
        raise ValueError(outcome)

    recording = ffmpeg_writer.start(tmp_path / "walk.mp4", plan(), on_end)
    play(recording, 3)
    recording.finish()
    assert recording.join(LIMIT_S)
    assert (tmp_path / "walk.mp4").exists()


def test_the_disk_is_asked(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
