"""Looks into media files with ffmpeg, in a process of its own with bounds on time, memory and output."""

from __future__ import annotations

import math
import re
from typing import IO, TYPE_CHECKING, Final

from services.media_probe._bounded_ffmpeg import run_bounded
from services.media_probe._packets import Track, is_variable, mean_rate, read_tracks
from services.media_probe.media_probe import (
    LEAST_FRAMES,
    LONGEST_S,
    LONGEST_SIDE,
    MOST_PIXELS,
    SPRITE_TILES,
    MediaError,
    MediaFacts,
    MediaFault,
    PictureTrack,
    SoundTrack,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.media_probe._bounded_ffmpeg import Ran

_TIMEOUT_S: Final = 30.0
_MOST_OUTPUT: Final = 24 << 20  # bytes: a line for each packet of a file that lasts as long as it may
_DURATION: Final = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_ROTATION: Final = re.compile(r"^ {6}Display Matrix: rotation of (-?\d+(?:\.\d+)?) degrees", re.MULTILINE)
_PICTURES: Final = re.compile(r"^  Stream #0:\d+\S*: Video: (.+)$", re.MULTILINE)
_HDR: Final = re.compile(r"smpte2084|arib-std-b67")
_LEAST_LOSS_S: Final = 0.75  # a container rounds how long it lasts, and tracks end at different times
_LEAST_LOSS: Final = 0.05
_STILL: Final = ("-map", "0:V:0", "-frames:v", "1")
_SHORTEST_S: Final = 0.04


class FfmpegMediaProbe:
    """A `MediaProbe`. `find` gives ffmpeg's path, or raises FileNotFoundError."""

    def __init__(self, find: Callable[[], Path], *, timeout_s: float = _TIMEOUT_S) -> None:
        self._find = find
        self._timeout_s = timeout_s

    def probe(self, path: Path) -> MediaFacts:
        try:
            with path.open("rb") as file:
                return self._probe(file)
        except OSError as error:
            raise MediaError(MediaFault.NOT_READABLE, "This file cannot be looked at on this server.") from error

    def frame(self, path: Path, at_s: float) -> bytes:
        if not 0 <= at_s < math.inf:  # which leaves out NaN as well
            raise _no_such_time()
        picture = self._picture(path, ("-ss", f"{at_s:.6f}"), (*_STILL, "-c:v", "png"))
        if not picture:
            raise _no_such_time()
        return picture

    def sprite(self, path: Path, seconds: float, *, tile_width: int) -> bytes:
        rate = SPRITE_TILES / max(seconds, _SHORTEST_S)
        tiles = f"fps={rate:.9f}:round=up,scale={tile_width}:-2,tile={SPRITE_TILES}x1"
        picture = self._picture(path, (), (*_STILL, "-vf", tiles, "-c:v", "mjpeg", "-q:v", "4"))
        if not picture:
            raise _no_frames()
        return picture

    def _picture(self, path: Path, reading: Sequence[str], arguments: Sequence[str]) -> bytes:
        try:
            with path.open("rb") as file:
                return self._run(file, ("-loglevel", "error", *arguments, "-f", "image2pipe", "-"), reading).output
        except OSError as error:
            raise MediaError(MediaFault.NOT_READABLE, "This video cannot be read.") from error

    def _probe(self, file: IO[bytes]) -> MediaFacts:
        description = self._run(file, ()).complaints
        self._require_plain(description)
        # Copied, not decoded: whatever its size, it costs as much as reading the file.
        copied = ("-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-t", str(LONGEST_S + 1), "-f", "framecrc", "-")
        ran = self._run(file, ("-loglevel", "error", *copied))
        tracks = read_tracks(ran.output)
        pictures = next((track for track in tracks if track.media == "video"), None)
        sound = next((track for track in tracks if track.media == "audio" and track.frames), None)
        if pictures is None and sound is None:
            raise _no_media(tracks)
        seconds = max(track.end_s for track in (pictures, sound) if track is not None)
        _require_length(seconds)
        _require_whole(_declared_s(description), seconds)
        return MediaFacts(
            seconds=seconds,
            pictures=None if pictures is None else self._shown(file, pictures, _rotation(description)),
            sound=None if sound is None else SoundTrack(sound.sample_rate),
        )

    def _require_plain(self, description: str) -> None:
        """What the head of the file says already, before more of it is read."""
        declared_s = _declared_s(description)
        if declared_s is not None:
            _require_length(declared_s)
        if any(_HDR.search(line) for line in _PICTURES.findall(description)):
            raise MediaError(
                MediaFault.HDR,
                "This video is in HDR, which films are not made from. Export it in SDR (BT.709), and send that.",
            )

    def _shown(self, file: IO[bytes], track: Track, rotation: int) -> PictureTrack:
        """Raises: MediaError, its frames are too few, too large, or cannot be decoded."""
        if not track.frames:
            raise _no_frames()
        if max(track.width, track.height) > LONGEST_SIDE or track.width * track.height > MOST_PIXELS:
            message = (
                f"This video is {track.width}x{track.height}. At most {LONGEST_SIDE} pixels a side are taken in,"
                f" and no more than 4096x2304 in all."
            )
            raise MediaError(MediaFault.TOO_LARGE, message)
        if track.frames < LEAST_FRAMES:
            message = "This video has one frame alone. Send it as a picture, or a video of two frames and more."
            raise MediaError(MediaFault.ONE_FRAME, message)
        decoded = ("-map", "0:V:0", "-frames:v", str(LEAST_FRAMES), "-f", "framecrc", "-")
        ran = self._run(file, ("-loglevel", "error", *decoded))
        shown = next(iter(read_tracks(ran.output)), None)
        if shown is None or shown.frames < LEAST_FRAMES:
            raise _no_frames()
        steps_s = track.steps_s()
        return PictureTrack(
            width=shown.width,
            height=shown.height,
            frames=track.frames,
            fps=mean_rate(steps_s),
            is_variable=is_variable(steps_s),
            rotation=rotation,
        )

    def _run(self, file: IO[bytes], arguments: Sequence[str], reading: Sequence[str] = ()) -> Ran:
        ran = run_bounded(
            self._find(), file, arguments, reading=reading, timeout_s=self._timeout_s, most_output=_MOST_OUTPUT
        )
        if not ran.is_whole:
            message = "This file takes more work to read than a video of ten minutes. Send a shorter or plainer one."
            raise MediaError(MediaFault.TOO_MUCH_WORK, message)
        return ran


def _declared_s(description: str) -> float | None:
    found = _DURATION.search(description)
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _rotation(description: str) -> int:
    """Clockwise."""
    found = _ROTATION.search(description)
    return 0 if found is None else -round(float(found[1])) % 360


def _require_length(seconds: float) -> None:
    if seconds > LONGEST_S:
        minutes = round(LONGEST_S / 60)
        message = f"This file lasts {seconds / 60:.0f} minutes, and {minutes} are the most. Cut out the part you need."
        raise MediaError(MediaFault.TOO_LONG, message)


def _require_whole(declared_s: float | None, seconds: float) -> None:
    if declared_s is not None and declared_s - seconds > max(_LEAST_LOSS_S, _LEAST_LOSS * declared_s):
        message = f"This file ends after {seconds:.1f} of {declared_s:.1f} s: its end is missing. Send it again."
        raise MediaError(MediaFault.TRUNCATED, message)


def _no_such_time() -> MediaError:
    return MediaError(MediaFault.NO_SUCH_TIME, "The video has no frame at that time.")


def _no_frames() -> MediaError:
    return MediaError(MediaFault.NO_FRAMES, "This video has no frames that can be shown.")


def _no_media(tracks: Sequence[Track]) -> MediaError:
    if tracks:
        return _no_frames()
    message = (
        "This file is no video and no sound that can be read here. MP4, MOV, MKV, WebM, AVI, MP3, WAV, FLAC and OGG"
        " files are."
    )
    return MediaError(MediaFault.NOT_MEDIA, message)
