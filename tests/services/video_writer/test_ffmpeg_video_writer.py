"""Recordings show what was seen, when it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from services.video_writer._encoders import Encoder
from services.video_writer._mp4_facts import whole_fragments_end
from services.video_writer._work_files import WorkFiles
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Finished, RecordingPlan, VideoMetadata
from tests.services.video_writer.videos import (
    COUNT,
    LIMIT_S,
    Ends,
    decoded,
    encoder_pid,
    jpeg,
    number_of,
    packet_times_s,
    picture,
    plan,
    play,
    stream_line,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def record(
    writer: FfmpegVideoWriter,
    path: Path,
    passes: Iterable[tuple[list[bytes], float, float]],
    *,
    ended_at: float | None = None,
    of: RecordingPlan | None = None,
) -> Finished:
    """A whole recording. A pass is its JPEGs, its start and its planned length."""
    ends = Ends()
    recording = writer.start(path, of or plan(), ends.on_end)
    for jpegs, started_at, shown_for_s in passes:
        recording.write(jpegs, started_at=started_at, shown_for_s=shown_for_s)
    recording.finish(ended_at=ended_at)
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    return outcome


def test_a_slow_engine_plays_as_it_was_seen(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    """Passes of four frames at a nominal 60 a second come late and unevenly."""
    starts = [10.0, 10.31, 10.58, 11.2, 11.45, 16.0, 16.28]
    passes = [([jpeg(4 * at + n) for n in range(4)], start, 4 / 15) for at, start in enumerate(starts)]
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", passes, ended_at=16.5, of=plan(fps=15))
    times = packet_times_s(outcome.path)
    lengths = [0.31, 0.27, 4 / 15, 0.25, 4 / 15, 0.28, 0.22]  # until the next pass, if that follows in time
    expected = [start - 10 + n * length / 4 for start, length in zip(starts, lengths, strict=True) for n in range(4)]
    assert times == pytest.approx(expected, abs=0.0005)
    assert outcome.duration_s == pytest.approx(6.5, abs=1 / 15)
    assert [number_of(frame) for frame in decoded(outcome.path)] == list(range(28))


def test_five_minutes_last_five_minutes(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    starts = np.cumsum(rng.choice([0.2, 0.3, 0.4, 3.0], 2000, p=[0.7, 0.2, 0.09, 0.01]))
    starts = 7.0 + starts[starts < 299.5]
    passes = [([jpeg(at % COUNT, 64, 48)], float(start), 0.2) for at, start in enumerate(starts)]
    ended_at, shape = float(starts[0]) + 300.0, plan(width=64, height=48, fps=5)
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", passes, ended_at=ended_at, of=shape)
    assert outcome.duration_s == pytest.approx(300.0, abs=0.2)
    times = packet_times_s(outcome.path)
    assert times[: len(starts)] == pytest.approx(list(starts - starts[0]), abs=0.0005)


def test_a_held_picture_lasts_to_the_end(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", [([jpeg(1), jpeg(2)], 0.0, 0.1)], ended_at=8.0)
    assert outcome.duration_s == pytest.approx(8.0, abs=1 / 30)
    assert outcome.frames == 3


def test_the_file_is_what_players_expect(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", [([jpeg(n)], n / 30, 1 / 30) for n in range(30)])
    line = stream_line(outcome.path)
    assert "h264" in line
    assert "yuv420p(tv, smpte170m/bt709/bt709" in line
    data = outcome.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart
    assert b"moof" not in data


@pytest.mark.parametrize(("height", "width", "matrix"), [(96, 160, "smpte170m"), (720, 1280, "bt709")])
def test_colours_come_through(
    ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path, height: int, width: int, matrix: str
) -> None:
    colours = np.zeros((height, width, 3), np.uint8)
    bars = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40), (250, 250, 0)]
    for at, colour in enumerate(bars):
        colours[:, at * width // 7 : (at + 1) * width // 7] = colour
    bytes_ = simplejpeg.encode_jpeg(colours, quality=95, colorsubsampling="444")
    shape = plan(width=width, height=height)
    outcome = record(ffmpeg_writer, tmp_path / "bars.mp4", [([bytes_], n / 30, 1 / 30) for n in range(6)], of=shape)
    assert matrix in stream_line(outcome.path)
    (first, *_) = decoded(outcome.path, width, height)
    for at, colour in enumerate(bars):
        x, y = (2 * at + 1) * width // 14, height // 2
        middle = first[y - 8 : y + 8, x - 3 : x + 3]
        assert middle.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=8)


def test_metadata_of_any_kind_comes_through(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    metadata = VideoMetadata(
        'Tïtle; "=" #\'\n二', "Biome v1.0\\x", '{"a": "x=y;#\\n", "seed": null, "é": "漢字 שלום"}' * 50
    )
    shape = RecordingPlan(160, 96, 30.0, metadata)
    outcome = record(ffmpeg_writer, tmp_path / "o'clock; 50% [x].mp4", [([jpeg(0)], 0.0, 0.1)], of=shape)
    assert ffmpeg_writer.describe(outcome.path).metadata == metadata


def test_odd_and_changing_pictures_are_fitted(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    pictures = [jpeg(n, 161, 97) for n in range(10)]
    pictures += [jpeg(n, 160, 96, "444") for n in range(10, 20)] + [jpeg(n, 320, 200) for n in range(20, 30)]
    passes = [([one], n / 30, 1 / 30) for n, one in enumerate(pictures)]
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", passes, of=plan(width=161, height=97))
    frames = decoded(outcome.path)
    assert [number_of(frame) for frame in frames] == list(range(30))
    assert "SAR 1:1" in stream_line(outcome.path)


def test_a_broken_picture_is_left_out(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    pictures = [jpeg(n) for n in range(20)]
    pictures[7] = b"no JPEG at all"
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", [([one], n / 30, 1 / 30) for n, one in enumerate(pictures)])
    assert outcome.frames == 19


def test_pictures_stay_close_to_what_was_played(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", [([jpeg(n)], n / 30, 1 / 30) for n in range(30)])
    for number, frame in enumerate(decoded(outcome.path)):
        assert np.abs(frame.astype(int) - picture(number)).mean() < 3


def test_a_thumbnail_is_a_small_jpeg(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    outcome = record(ffmpeg_writer, tmp_path / "walk.mp4", [([jpeg(n % 90)], n / 30, 1 / 30) for n in range(300)])
    small = simplejpeg.decode_jpeg(ffmpeg_writer.thumbnail(outcome.path, width=80))
    assert small.shape == (48, 80, 3)


def test_the_part_plays_while_it_grows(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends, part = Ends(), tmp_path / "walk.mp4.part"
    recording = ffmpeg_writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 60)
    wait_until(lambda: whole_fragments_end(part) > 0 and len(packet_times_s(part)) >= 90)
    recording.finish()
    ends.wait()


def test_encoding_gives_way_to_play(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = ffmpeg_writer.start(tmp_path / "walk.mp4", plan(), ends.on_end)
    play(recording, 2)
    assert psutil.Process(encoder_pid(tmp_path / "walk.mp4")).nice() > psutil.Process().nice()
    recording.discard()
    ends.wait()


def used_encoder(path: Path, hardware: Encoder) -> str:
    ends, writer = Ends(), FfmpegVideoWriter(hardware=[hardware])
    recording = writer.start(path, plan(), ends.on_end)
    play(recording, 5)
    encoder_pid(path)
    job = WorkFiles(path).load_job()
    writer.close(LIMIT_S)
    assert isinstance(ends.wait(), Finished)
    assert job is not None
    return job.encoder_name


def test_hardware_that_works_is_used(tmp_path: Path) -> None:
    """Another encoder of ffmpeg stands in for it."""
    assert used_encoder(tmp_path / "walk.mp4", Encoder("libopenh264", ())) == "libopenh264"


def test_hardware_that_does_not_work_is_not_used(tmp_path: Path) -> None:
    """As with a driver that is missing: the encoder is listed, and fails when it is opened."""
    assert used_encoder(tmp_path / "walk.mp4", Encoder("h264_v4l2m2m", ())) == "libx264"


def test_a_name_without_mp4_is_refused(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.mp4"):
        ffmpeg_writer.start(tmp_path / "walk.mkv", plan(), Ends().on_end)
