"""Reads what ffmpeg's `framecrc` format says of the packets of a file. A file cannot shape it, as it can its tags."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Final

_HEADER: Final = re.compile(r"#(tb|media_type|dimensions|sample_rate) (\d+): (.+)")
_SIZE: Final = re.compile(r"(\d+)x(\d+)")
_EVEN_S: Final = 0.0025  # containers that round times to milliseconds are off by one, and so is the next


@dataclass(slots=True)
class Track:
    """Times are in ticks of `tick_s` seconds."""

    tick_s: Fraction = field(default_factory=lambda: Fraction(1))
    media: str = ""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    shown: list[int] = field(default_factory=list[int])
    end: int = 0

    @property
    def frames(self) -> int:
        return len(self.shown)

    @property
    def end_s(self) -> float:
        return float(self.end * self.tick_s)

    def steps_s(self) -> list[float]:
        """For how long each frame but the last is shown."""
        times = sorted(self.shown)
        return [float((later - at) * self.tick_s) for at, later in pairwise(times)]


def read_tracks(output: bytes) -> list[Track]:
    """The tracks in the order of the mapping. Lines that were cut are left out."""
    tracks: dict[int, Track] = {}
    for line in output.decode(errors="replace").splitlines():
        header = _HEADER.fullmatch(line)
        if header is not None:
            _note(tracks.setdefault(int(header[2]), Track()), header[1], header[3])
        elif line and not line.startswith("#"):
            _count(tracks, line)
    return [tracks[number] for number in sorted(tracks)]


def is_variable(steps_s: list[float]) -> bool:
    return bool(steps_s) and max(steps_s) - min(steps_s) > 2 * _EVEN_S


def mean_rate(steps_s: list[float]) -> float:
    total = sum(steps_s)
    return len(steps_s) / total if total > 0 else 0.0


def _note(track: Track, name: str, value: str) -> None:
    size = _SIZE.fullmatch(value)
    match name:
        case "tb":
            numerator, _, denominator = value.partition("/")
            if numerator.isdigit() and denominator.isdigit() and int(denominator):
                track.tick_s = Fraction(int(numerator), int(denominator))
        case "media_type":
            track.media = value
        case "dimensions" if size is not None:
            track.width, track.height = int(size[1]), int(size[2])
        case "sample_rate" if value.isdigit():
            track.sample_rate = int(value)
        case _:
            pass


def _count(tracks: dict[int, Track], line: str) -> None:
    """`stream, decoding time, time, duration, size, checksum` and perhaps more."""
    parts = line.split(",")
    try:
        number, shown, lasts = int(parts[0]), int(parts[2]), int(parts[3])
    except (ValueError, IndexError):
        return
    track = tracks.get(number)
    if track is not None:
        track.shown.append(shown)
        track.end = max(track.end, shown + max(0, lasts))
