"""Writes the MP4 of a film by ffmpeg: frames by its input, sound from a file beside it.

The same pixels and samples give the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import wave
from typing import TYPE_CHECKING, Final

import numpy as np

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_reader.source_media import exact_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

_THREADS: Final = 4  # fixed: what libx264 writes depends on their number
_CRF: Final = 18
_HD_LINES: Final = 720
_NO_SPACE: Final = ("no space left", "disk quota")


class FilmWriteError(RuntimeError):
    """The film could not be written. `is_full`: the disk had no room for it."""

    def __init__(self, *, is_full: bool) -> None:
        super().__init__("The disk is full." if is_full else "The film could not be encoded.")
        self.is_full = is_full


def write_sound(file: Path, sound: npt.NDArray[np.float32], rate: int) -> None:
    """A WAV file of stereo samples (2, count) from -1 to 1. Raises `FilmWriteError`."""
    samples = np.round(np.clip(sound.T, -1, 1) * 32767).astype("<i2")
    try:
        with wave.open(str(file), "wb") as target:
            target.setnchannels(2)
            target.setsampwidth(2)
            target.setframerate(rate)
            target.writeframes(samples.tobytes())
    except OSError as error:
        raise FilmWriteError(is_full=error.errno == 28) from error


class FilmFile:
    """An MP4 that is being written to `part`; `close` completes it. `sound` is a WAV file; None: a silent film."""

    def __init__(
        self, part: Path, *, width: int, height: int, fps: float, sound: Path | None, notes: Mapping[str, str]
    ) -> None:
        rate = exact_rate(fps)
        matrix = "bt709" if height >= _HD_LINES else "smpte170m"
        colours = (
            f"scale=in_range=full:out_range=limited:out_color_matrix={matrix},format=yuv420p"
            f",setparams=range=limited:colorspace={matrix}:color_primaries=bt709:color_trc=bt709"
        )
        command = [
            *(str(bundled_ffmpeg()), "-hide_banner", "-loglevel", "error"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"),
            *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0"),
            *(() if sound is None else ("-i", f"file:{sound}")),
            *("-map", "0:v", "-vf", colours, "-c:v", "libx264", "-preset", "veryfast", "-crf", str(_CRF)),
            *("-threads", str(_THREADS), "-video_track_timescale", str(rate.numerator * 10)),
            *(() if sound is None else ("-map", "1:a", "-c:a", "aac", "-b:a", "192k")),
            # Without these, names of versions and the time of day would be in the file.
            *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"),
            *(w for name, text in sorted(notes.items()) for w in ("-metadata", f"{name}={text.replace(chr(0), '')}")),
            *("-movflags", "+faststart", "-f", "mp4", "-y", f"file:{part}"),
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.frames = 0

    def write(self, frames: Iterable[npt.NDArray[np.uint8]]) -> None:
        """Frames (height, width, 3). Raises `FilmWriteError`."""
        assert self._process.stdin is not None
        try:
            for frame in frames:
                self._process.stdin.write(np.ascontiguousarray(frame).data)
                self.frames += 1
        except BrokenPipeError as error:
            raise self._failure() from error

    def close(self) -> None:
        """Complete the file. Raises `FilmWriteError`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def abandon(self) -> None:
        """End ffmpeg, whatever it is doing. Idempotent."""
        self._process.kill()
        self._process.wait()

    def _failure(self) -> FilmWriteError:
        assert self._process.stderr is not None
        said = self._process.stderr.read(4096).decode(errors="replace").lower()
        self.abandon()
        return FilmWriteError(is_full=any(words in said for words in _NO_SPACE))


def move_whole(part: Path, target: Path) -> None:
    """Give the film, complete and on the disk, its name. Raises: OSError."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
