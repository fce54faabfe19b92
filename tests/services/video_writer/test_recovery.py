"""A recording whose server was killed is finished by the next one, and loses at most its last second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.video_writer._mp4_facts import whole_fragments_end
from services.video_writer._work_files import Job, ProcessMark, WorkFiles
from services.video_writer.video_writer import Discarded, Finished, Incomplete, RecordingFault, RecordingOutcome
from tests.services.video_writer.videos import (
    COUNT,
    METADATA,
    Ends,
    decoded,
    encoder_pid,
    is_alive,
    number_of,
    packet_times_s,
    picture,
    plan,
    play,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
    from tests.services.video_writer.conftest import MakeFfmpegWriter

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(sys.platform == "win32", reason="kills and stops processes with POSIX signals"),
]
PROJECT = Path(__file__).resolve().parents[3]


@contextmanager
def recording_process(path: Path, passes: int) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.services.video_writer.recording_process", str(path), str(passes)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for printed in process.stdout:
        if printed.strip() == line:
            return
    raise AssertionError(f"The program has ended without {line!r}.")


def recover(writer: FfmpegVideoWriter, folder: Path) -> RecordingOutcome:
    ends = Ends()
    writer.recover(folder, ends.on_end)
    return ends.wait()


def assert_in_order(video: Path) -> None:
    """Frames that follow each other show pictures that do, but for those that were lost."""
    numbers = [number_of(frame) for frame in decoded(video)]
    assert all((later - earlier) % COUNT in range(1, 31) for earlier, later in pairwise(numbers))


def test_a_killed_server_loses_at_most_the_last_second(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    with recording_process(path, 200) as process:
        read_until(process, "4.000")
        process.kill()
        process.wait()
    outcome = recover(ffmpeg_writer, tmp_path)
    assert isinstance(outcome, Finished)
    assert outcome.duration_s >= 3.0
    assert outcome.frames == len(packet_times_s(path)) == len(decoded(path))
    assert ffmpeg_writer.describe(path).metadata == METADATA
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_the_part_file_plays_after_everything_was_killed(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    path, part = tmp_path / "walk.mp4", tmp_path / "walk.mp4.part"
    with recording_process(path, 60) as process:
        read_until(process, "waiting")
        pid = encoder_pid(path)
        wait_until(lambda: whole_fragments_end(part) > 0 and packet_times_s(part)[-1] >= 3.0)  # of four seconds
        process.kill()
        os.kill(pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not is_alive(pid))
    times = packet_times_s(part)
    outcome = recover(ffmpeg_writer, tmp_path)
    assert isinstance(outcome, Finished)
    assert outcome.duration_s >= 3.0
    assert packet_times_s(path) == pytest.approx([time - times[0] for time in times], abs=0.0005)
    assert ffmpeg_writer.describe(path).metadata == METADATA
    assert_in_order(path)


def test_what_another_machine_records_is_left_alone(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    """Nobody can tell from here whether its process still runs."""
    files = WorkFiles(tmp_path / "walk.mp4")
    owner = ProcessMark(pid=os.getpid(), created_at=1.0, machine="another machine")
    files.save_job(Job(plan=plan(), encoder_name="libx264", owner=owner))
    files.part.write_bytes(b"half a film")
    ended: list[RecordingOutcome] = []
    ffmpeg_writer.recover(tmp_path, ended.append)
    ffmpeg_writer.close(60.0)
    assert ended == []
    assert files.part.read_bytes() == b"half a film"


def test_frames_on_the_disk_are_encoded_and_joined(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    files = WorkFiles(path)
    with recording_process(path, 90) as process:
        read_until(process, "2.000")
        pid = encoder_pid(path)
        wait_until(lambda: whole_fragments_end(files.part) > 0)
        os.kill(pid, signal.SIGSTOP)  # as slow as an encoder can be
        read_until(process, "waiting")
        wait_until(lambda: bool(files.spools()))
        process.kill()
        os.kill(pid, signal.SIGKILL)
        process.wait()
    outcome = recover(ffmpeg_writer, tmp_path)
    assert isinstance(outcome, Finished)
    assert outcome.duration_s >= 5.0  # of six seconds
    times = packet_times_s(path)
    assert all(0.03 < later - earlier < 0.04 for earlier, later in pairwise(times))
    assert [time * 30 for time in times] == pytest.approx([round(time * 30) for time in times], abs=0.02)
    assert_in_order(path)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]
    assert ffmpeg_writer.describe(path).metadata == METADATA


def test_a_living_server_keeps_its_recordings(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    with recording_process(tmp_path / "walk.mp4", 60) as process:
        read_until(process, "1.000")
        ffmpeg_writer.recover(tmp_path, ends.on_end)
        assert process.poll() is None
    assert ends.outcomes == []
    assert isinstance(recover(ffmpeg_writer, tmp_path), Finished)


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.62, 0.35])
def test_a_part_that_is_cut_off_anywhere_gives_what_is_whole(
    make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path, kept: float
) -> None:
    path = tmp_path / "walk.mp4"
    postpone(make_ffmpeg_writer(), path)
    part = WorkFiles(path).part
    os.truncate(part, int(part.stat().st_size * kept))
    outcome = recover(make_ffmpeg_writer(), tmp_path)
    assert isinstance(outcome, Finished)
    assert len(decoded(path)) == outcome.frames
    assert outcome.duration_s > 3.0 * kept - 1.0
    assert_in_order(path)


def postpone(writer: FfmpegVideoWriter, path: Path) -> None:
    """Leave a whole part of three seconds, as a server does that stops too soon."""
    ends = Ends()
    recording = writer.start(path, plan(), ends.on_end)
    play(recording, 45)
    wait_until(lambda: recording.progress().waiting_frames == 0)
    recording.postpone()
    ends.wait()


def test_a_part_without_a_frame_is_removed(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4.part").write_bytes(b"\x00\x00\x00\x08ftyp")
    (tmp_path / "talk.mp4.part").write_bytes(b"")
    (tmp_path / "holiday.mp4").write_bytes(b"not ours")
    outcomes: list[RecordingOutcome] = []
    ffmpeg_writer.recover(tmp_path, outcomes.append)
    assert outcomes == [Discarded(tmp_path / "talk.mp4"), Discarded(tmp_path / "walk.mp4")]
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.mp4"]


def test_a_file_that_was_complete_is_only_tidied_up(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    writer, ends = make_ffmpeg_writer(), Ends()
    postpone(writer, path)
    files = WorkFiles(path)
    job, part = files.load_job(), files.part.read_bytes()
    assert isinstance(recover(writer, tmp_path), Finished)
    complete = path.read_bytes()
    assert job is not None
    files.save_job(job)  # killed before they were removed
    files.part.write_bytes(part)
    writer.recover(tmp_path, ends.on_end)
    assert isinstance(ends.wait(), Finished)
    assert path.read_bytes() == complete
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_another_file_of_the_same_name_is_left_alone(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    postpone(make_ffmpeg_writer(), path)
    path.write_bytes(b"precious")
    outcome = recover(make_ffmpeg_writer(), tmp_path)
    assert isinstance(outcome, Finished)
    assert outcome.path == tmp_path / "walk (2).mp4"
    assert path.read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_recovering_without_an_encoder_leaves_everything_for_later(
    make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path
) -> None:
    path = tmp_path / "walk.mp4"
    postpone(make_ffmpeg_writer(), path)
    outcome = recover(make_ffmpeg_writer(executable=tmp_path / "none"), tmp_path)
    assert isinstance(outcome, Incomplete)
    assert outcome.fault is RecordingFault.ENCODER_MISSING
    assert isinstance(recover(make_ffmpeg_writer(), tmp_path), Finished)


def test_captions_of_what_waited_are_not_forgotten(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    path, ends = tmp_path / "walk.mp4", Ends()
    recording = make_ffmpeg_writer().start(path, plan(), ends.on_end)
    play(recording, 15)
    pid = encoder_pid(path)
    os.kill(pid, signal.SIGSTOP)
    recording.caption("Let it snow", at=1001.0)
    play(recording, 45, begin=15)
    wait_until(lambda: recording.progress().spooled_bytes > 0)
    recording.finish()
    recording.postpone()
    recording.kill_encoder()
    ends.wait()
    outcome = recover(make_ffmpeg_writer(), tmp_path)
    assert isinstance(outcome, Finished)
    frames = decoded(path).astype(int)
    assert len(frames) == 120
    changes = [float(np.abs(frame[48:] - picture(number)[48:]).mean()) for number, frame in enumerate(frames)]
    assert max(changes[:30]) < 3
    assert min(changes[30:]) > 5


def test_the_file_is_dated_like_the_recording(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    postpone(make_ffmpeg_writer(), path)
    os.utime(WorkFiles(path).part, (1_700_000_000, 1_700_000_000))
    recover(make_ffmpeg_writer(), tmp_path)
    assert path.stat().st_mtime == pytest.approx(1_700_000_000, abs=1)


def test_an_orphaned_encoder_is_waited_for(make_ffmpeg_writer: MakeFfmpegWriter, tmp_path: Path) -> None:
    """The encoder is stopped (SIGSTOP) here, so recovery kills it in the end."""
    path = tmp_path / "walk.mp4"
    with recording_process(path, 60) as process:
        read_until(process, "waiting")
        pid = encoder_pid(path)
        wait_until(lambda: whole_fragments_end(WorkFiles(path).part) > 0)
        os.kill(pid, signal.SIGSTOP)
        process.kill()
        process.wait()
    outcome = recover(make_ffmpeg_writer(), tmp_path)
    assert isinstance(outcome, Finished)
    wait_until(lambda: not is_alive(pid))
