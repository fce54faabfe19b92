"""Frames and sound of media files that people bring, by ffmpeg in a process of its own.

ffmpeg opens the one file and no other protocol, reads media formats alone (no playlists or scripts that name other
files), and is killed after a time. Frames come one by one, in the size that is wanted, so a source of any length and
size takes little memory.
"""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from services.bundled_ffmpeg import bundled_ffmpeg

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import IO

    import numpy.typing as npt

    Frame = npt.NDArray[np.uint8]
    Sound = npt.NDArray[np.float32]

# By the names of ffmpeg's demuxers. Each reads one file; a format that names further files is not among them.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf,"
    "wav,mp3,flac,aac,aiff,gif,apng,png_pipe,jpeg_pipe"
)
_NO_STREAM: Final = "does not contain any stream"
_LIMIT_S: Final = 300.0  # for one reading of a source
_MOST_COMPLAINTS: Final = 4096  # bytes


class SourceError(RuntimeError):
    """The source cannot be used. `str()` is a sentence for a person, without paths."""


def exact_rate(fps: float) -> Fraction:
    """A frame rate as the fraction that was meant: 23.976… is 24000 / 1001."""
    whole = Fraction(fps).limit_denominator(1)
    if abs(fps - whole) < 1e-6:
        return whole
    film = Fraction(round(fps) * 1000, 1001)
    return film if abs(fps - film) < 5e-3 else Fraction(fps).limit_denominator(1001)


def read_frames(
    source: Path, *, width: int, height: int, fps: float, start_s: float = 0.0, most: int | None = None
) -> Generator[Frame]:
    """RGB frames (height, width, 3) at an even rate from a time on; at most `most` of them.

    The picture is turned as the file says, scaled to fill the size, and its middle kept. Close the generator to end
    ffmpeg before the source is at its end.

    Raises:
        SourceError: the file holds no video that can be read, or reading takes too long.
    """
    rate = exact_rate(fps)
    filters = (
        f"fps={rate.numerator}/{rate.denominator}:start_time=0,scale={width}:{height}"
        f":force_original_aspect_ratio=increase:flags=bicubic,crop={width}:{height},setsar=1,format=rgb24"
    )
    options = ("-map", "0:v:0", "-an", "-sn", "-vf", filters, *(() if most is None else ("-frames:v", str(most))))
    size, found = width * height * 3, 0
    with _ffmpeg(source, start_s, (*options, "-f", "rawvideo", "pipe:1"), "video") as output:
        while len(data := output.read(size)) == size:
            found += 1
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
    if not found and start_s == 0:
        raise SourceError("The source holds no frames.")


def read_sound(source: Path, *, rate: int, start_s: float = 0.0, seconds: float) -> Sound:
    """Stereo samples (2, count) from -1 to 1, at most `seconds` of them; none where the file has no sound.

    Raises:
        SourceError: the file cannot be read.
    """
    options = ("-map", "0:a:0?", "-vn", "-sn", "-ac", "2", "-ar", str(rate), "-t", f"{seconds:.6f}")
    with _ffmpeg(source, start_s, (*options, "-f", "f32le", "pipe:1"), "sound", may_be_empty=True) as output:
        data = output.read(round(seconds * rate + 1) * 8)
    samples = np.frombuffer(data[: len(data) // 8 * 8], "<f4").reshape(-1, 2)
    return np.ascontiguousarray(np.nan_to_num(samples.T).clip(-1, 1), np.float32)


def count_frames(source: Path, *, fps: float, most: int) -> int:
    """How many frames `read_frames` would give, counted up to `most`."""
    frames = read_frames(source, width=32, height=32, fps=fps, most=most)
    return sum(1 for _ in frames)


@contextmanager
def _ffmpeg(
    source: Path, start_s: float, options: tuple[str, ...], what: str, *, may_be_empty: bool = False
) -> Generator[IO[bytes]]:
    command = [
        *(str(bundled_ffmpeg()), "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "2"),
        *("-protocol_whitelist", "file", "-format_whitelist", _FORMATS),
        *(() if start_s <= 0 else ("-ss", f"{start_s:.6f}")),
        *("-i", f"file:{source}", "-filter_threads", "1", "-max_alloc", str(1 << 30), *options),
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        complaints = _Complaints(process.stderr)
        killer = threading.Timer(_LIMIT_S, process.kill)
        killer.start()
        is_at_end = False
        try:
            yield process.stdout
            is_at_end = not process.stdout.read(1)
        finally:
            killer.cancel()
            if not is_at_end:
                process.kill()
            process.wait()
            complaints.join()
    if is_at_end and process.returncode != 0 and not (may_be_empty and _NO_STREAM in complaints.text):
        raise SourceError(
            f"The {what} of the source cannot be read: it is damaged, or no media file that is known here."
        )


class _Complaints:
    """Reads what ffmpeg says, so that its pipe never fills up; keeps the beginning."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")

    def join(self) -> None:
        self._thread.join()

    def _read(self) -> None:
        for line in self._stream:
            if len(self._kept) < _MOST_COMPLAINTS:
                self._kept += line[:500]
