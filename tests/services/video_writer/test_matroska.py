"""The stream of JPEGs is Matroska: ffmpeg reads it, and so do we."""

from __future__ import annotations

import subprocess
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from services.video_writer._matroska import StreamDamagedError, frame_bytes, read_frame, stream_header
from services.video_writer._timeline import TimedFrame
from tests.services.video_writer.videos import ffmpeg, jpeg, packet_times_s, stream_line

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [TimedFrame(at_us, jpeg(number)) for number, at_us in enumerate([0, 33_333, 40_001, 5_000_000, 3_600_000_000])]


def test_ffmpeg_reads_every_frame_at_its_time(tmp_path: Path) -> None:
    stream = tmp_path / "stream.mkv"
    stream.write_bytes(stream_header(160, 96, 30) + b"".join(map(frame_bytes, FRAMES)))
    assert packet_times_s(stream) == pytest.approx([frame.at_us / 1e6 for frame in FRAMES], abs=1e-6)
    assert "mjpeg" in stream_line(stream)
    assert "160x96" in stream_line(stream)


def test_the_jpegs_come_out_as_they_went_in(tmp_path: Path) -> None:
    stream = tmp_path / "stream.mkv"
    stream.write_bytes(stream_header(160, 96, 30) + b"".join(map(frame_bytes, FRAMES)))
    command = [ffmpeg(), "-loglevel", "error", "-i", stream, "-c", "copy", "-f", "image2pipe", "-"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"".join(f.data for f in FRAMES)


def test_frames_are_read_back() -> None:
    file = BytesIO(b"".join(map(frame_bytes, FRAMES)))
    assert [read_frame(file) for _ in FRAMES] == FRAMES
    assert read_frame(file) is None


def test_every_head_is_equally_long() -> None:
    assert len(stream_header(160, 96, 30)) == len(stream_header(7680, 4320, 0.5))


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_frame_that_is_cut_off_is_no_frame(cut: int) -> None:
    with pytest.raises(StreamDamagedError):
        read_frame(BytesIO(frame_bytes(FRAMES[0])[:-cut]))
    with pytest.raises(StreamDamagedError):
        read_frame(BytesIO(frame_bytes(FRAMES[0])[:cut]))


def test_something_else_is_no_frame() -> None:
    with pytest.raises(StreamDamagedError):
        read_frame(BytesIO(bytes(100)))
