"""Sources that people bring: even, uneven, turned, and no media at all."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_reader.source_media import SourceError, count_frames, exact_rate, read_frames, read_sound

if TYPE_CHECKING:
    from pathlib import Path


def ffmpeg(folder: Path, *arguments: str) -> None:
    subprocess.run([str(bundled_ffmpeg()), "-nostdin", "-loglevel", "error", *arguments], cwd=folder, check=True)


def test_frames_come_at_an_even_rate_and_in_the_size_that_is_wanted(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30:duration=1", "-pix_fmt", "yuv420p")
    ffmpeg(tmp_path, *source, "even.mp4")
    ffmpeg(tmp_path, *source, "-vf", "select='lt(n,10)+gt(n,19)'", "-fps_mode", "passthrough", "uneven.mp4")
    for name in ("even.mp4", "uneven.mp4"):
        frames = list(read_frames(tmp_path / name, width=32, height=64, fps=24.0))
        assert len(frames) == 24, "a gap is filled with what stood before it"
        assert {frame.shape for frame in frames} == {(64, 32, 3)}
    part = list(read_frames(tmp_path / "even.mp4", width=32, height=64, fps=24.0, most=5))
    assert len(part) == 5
    assert count_frames(tmp_path / "even.mp4", fps=24.0, most=7) == 7
    assert read_sound(tmp_path / "even.mp4", rate=8000, seconds=1).shape == (2, 0)


def test_a_picture_that_was_filmed_on_its_side_is_turned(tmp_path: Path) -> None:
    two = "color=red:size=32x64:rate=8:duration=1[a];color=blue:size=32x64:rate=8:duration=1[b];[a][b]hstack"
    ffmpeg(tmp_path, "-f", "lavfi", "-i", two, "-pix_fmt", "yuv420p", "flat.mp4")
    ffmpeg(tmp_path, "-display_rotation", "90", "-i", "flat.mp4", "-c", "copy", "turned.mp4")
    flat = next(read_frames(tmp_path / "flat.mp4", width=64, height=64, fps=8)).astype(int)
    turned = next(read_frames(tmp_path / "turned.mp4", width=64, height=64, fps=8)).astype(int)
    assert flat[:, 8, 0].mean() > 200, "red is at the left"
    assert abs(turned[8].mean(axis=0) - turned[56].mean(axis=0)).max() > 150, "and above or below when turned"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a film",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"#!/bin/sh\necho no\n",
    ],
    ids=["empty", "words", "playlist", "list", "script"],
)
def test_what_is_no_media_is_refused_without_its_path(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        list(read_frames(source, width=32, height=32, fps=24))
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(SourceError):
        read_sound(source, rate=8000, seconds=1)


def test_sound_alone_has_no_frames(tmp_path: Path) -> None:
    ffmpeg(tmp_path, "-f", "lavfi", "-i", "sine=duration=1", "tone.wav")
    with pytest.raises(SourceError):
        list(read_frames(tmp_path / "tone.wav", width=32, height=32, fps=24))
    sound = read_sound(tmp_path / "tone.wav", rate=8000, seconds=0.5)
    assert sound.shape == (2, 4000)
    assert np.abs(sound).max() <= 1


def test_frames_that_nobody_wants_end_the_process(tmp_path: Path) -> None:
    ffmpeg(tmp_path, "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30:duration=20", "long.mp4")
    frames = read_frames(tmp_path / "long.mp4", width=640, height=480, fps=30)
    next(frames)
    frames.close()  # waits for the end of the process


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24.0, Fraction(24)),
        (23.976, Fraction(24000, 1001)),
        (24000 / 1001, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
        (60.0, Fraction(60)),
    ],
)
def test_rates_are_what_was_meant(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate
