"""What is taken in as a source of films, with real files and the real ffmpeg."""

from __future__ import annotations

import io
import math
import subprocess
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from services.bundled_ffmpeg import bundled_ffmpeg
from services.media_probe.ffmpeg_media_probe import FfmpegMediaProbe
from services.media_probe.media_probe import SPRITE_TILES, MediaError, MediaFault, pictures_of, sound_of

if TYPE_CHECKING:
    from pathlib import Path

    from services.media_probe.media_probe import MediaFacts

_VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=2")
_SOUND = ("-f", "lavfi", "-i", "sine=duration=2")


def _make(path: Path, *arguments: str) -> Path:
    subprocess.run([bundled_ffmpeg(), "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def _probe(path: Path) -> MediaFacts:
    return FfmpegMediaProbe(bundled_ffmpeg).probe(path)


def _fault(path: Path) -> MediaFault:
    with pytest.raises(MediaError) as caught:
        _probe(path)
    return caught.value.fault


@pytest.fixture(scope="module", name="film")
def film_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "film.mp4"
    return _make(path, *_VIDEO, *_SOUND, "-shortest", "-pix_fmt", "yuv420p")


def test_a_video_with_sound(film: Path) -> None:
    facts = _probe(film)
    pictures = pictures_of(facts)
    assert (pictures.width, pictures.height, pictures.frames) == (64, 36, 50)
    assert pictures.fps == pytest.approx(25)
    assert not pictures.is_variable
    assert facts.seconds == pytest.approx(2, abs=0.1)
    assert sound_of(facts).sample_rate == 44100


def test_sound_alone_is_taken_and_told_where_a_picture_is_needed(tmp_path: Path) -> None:
    facts = _probe(_make(tmp_path / "sound.wav", *_SOUND))
    assert sound_of(facts).sample_rate == 44100
    with pytest.raises(MediaError) as caught:
        pictures_of(facts)
    assert caught.value.fault is MediaFault.NO_PICTURES


def test_a_video_without_sound_is_told_where_sound_is_needed(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        sound_of(_probe(_make(tmp_path / "mute.mkv", *_VIDEO)))
    assert caught.value.fault is MediaFault.NO_SOUND


def test_a_rotated_video_is_as_large_as_it_is_shown(film: Path, tmp_path: Path) -> None:
    turned = _make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(film), "-c", "copy")
    pictures = pictures_of(_probe(turned))
    assert (pictures.width, pictures.height, pictures.rotation) == (36, 64, 270)


def test_a_variable_rate_is_taken_and_told(tmp_path: Path) -> None:
    uneven = ("-vf", "select='lt(n,10)+not(mod(n,5))'", "-fps_mode", "vfr")
    pictures = pictures_of(_probe(_make(tmp_path / "uneven.mp4", *_VIDEO, *uneven)))
    assert pictures.is_variable
    assert pictures.fps < 25


def test_milliseconds_of_a_container_are_no_variable_rate(tmp_path: Path) -> None:
    video = ("-f", "lavfi", "-i", "testsrc2=size=64x36:rate=24000/1001:duration=2")
    pictures = pictures_of(_probe(_make(tmp_path / "film.mkv", *video)))
    assert not pictures.is_variable
    assert pictures.fps == pytest.approx(24000 / 1001, rel=1e-3)


def test_a_video_of_one_frame_is_refused(tmp_path: Path) -> None:
    assert _fault(_make(tmp_path / "one.mp4", *_VIDEO, "-frames:v", "1")) is MediaFault.ONE_FRAME


def test_a_video_without_frames_is_refused(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.mp4"
    path.write_bytes(_headless(film))
    assert _fault(path) in {MediaFault.NO_FRAMES, MediaFault.NOT_MEDIA, MediaFault.TRUNCATED}


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_video_that_was_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = _make(tmp_path / f"whole.{suffix}", *_VIDEO, *(("-movflags", "+faststart") if suffix == "mp4" else ()))
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert _fault(cut) is MediaFault.TRUNCATED


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_refused(tmp_path: Path, transfer: str) -> None:
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    video = (*_VIDEO, "-vf", tags, "-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le")
    assert _fault(_make(tmp_path / "hdr.mp4", *video)) is MediaFault.HDR


def test_8k_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    video = ("-f", "lavfi", "-i", "color=size=7680x4320:rate=25", "-frames:v", "2", "-c:v", "mjpeg")
    assert _fault(_make(tmp_path / "huge.mov", *video)) is MediaFault.TOO_LARGE


def test_three_hours_are_refused(tmp_path: Path) -> None:
    video = ("-f", "lavfi", "-i", "color=size=16x16:rate=1/100:duration=10800")
    assert _fault(_make(tmp_path / "long.mp4", *video)) is MediaFault.TOO_LONG


_SECRET = "a secret of the server"


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{film}'\n",
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="36"><image href="file://{secret}"/></svg>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        ";FFMETADATA1\ntitle=no video\n",
        "just words\n",
        "",
    ],
    ids=["playlist", "concat", "drawing", "sdp", "metadata", "words", "empty"],
)
def test_what_only_has_a_videos_name_is_refused(film: Path, tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(_SECRET)
    path = tmp_path / "video.mp4"
    path.write_text(text.format(secret=secret, film=film))
    with pytest.raises(MediaError) as caught:
        _probe(path)
    assert caught.value.fault is MediaFault.NOT_MEDIA
    assert _SECRET not in str(caught.value)


def _size(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        return image.size


def test_a_frame_at_a_time(film: Path) -> None:
    probe = FfmpegMediaProbe(bundled_ffmpeg)
    first, later = probe.frame(film, 0.0), probe.frame(film, 1.5)
    assert _size(first) == _size(later) == (64, 36)
    assert first != later


@pytest.mark.parametrize("at_s", [-1.0, math.nan, math.inf, 99.0])
def test_there_is_no_frame_beyond_a_video(film: Path, at_s: float) -> None:
    with pytest.raises(MediaError) as caught:
        FfmpegMediaProbe(bundled_ffmpeg).frame(film, at_s)
    assert caught.value.fault is MediaFault.NO_SUCH_TIME


def test_a_sprite_has_a_row_of_tiles(film: Path) -> None:
    sprite = FfmpegMediaProbe(bundled_ffmpeg).sprite(film, 2.0, tile_width=32)
    assert _size(sprite) == (32 * SPRITE_TILES, 18)


def test_work_without_an_end_is_given_up(film: Path) -> None:
    with pytest.raises(MediaError) as caught:
        FfmpegMediaProbe(lambda: _sleeper(film.parent), timeout_s=0.2).probe(film)
    assert caught.value.fault is MediaFault.TOO_MUCH_WORK


def _sleeper(folder: Path) -> Path:
    path = folder / "sleeper"
    path.write_text("#!/bin/sh\nexec sleep 600\n")
    path.chmod(0o755)
    return path


def _headless(film: Path) -> bytes:
    """The film's index without its frames: the index lies at the end, behind the frames."""
    data = film.read_bytes()
    begin = data.index(b"moov") - 4
    return data[: data.index(b"mdat") - 4] + data[begin:]
