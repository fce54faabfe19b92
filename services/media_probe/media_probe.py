"""What a media probe is: a file that somebody sent in, and whether films can be made with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pathlib import Path

# What is taken in. More would cost minutes to read, and no film that is made here is longer or larger.
LONGEST_S: Final = 600.0
LONGEST_SIDE: Final = 4096  # pixels
MOST_PIXELS: Final = 4096 * 2304
LEAST_FRAMES: Final = 2
SPRITE_TILES: Final = 10  # side by side in one row, at even times over the film


class MediaFault(StrEnum):
    NOT_MEDIA = "not_media"
    NO_FRAMES = "no_frames"
    ONE_FRAME = "one_frame"
    NO_PICTURES = "no_pictures"
    NO_SOUND = "no_sound"
    TRUNCATED = "truncated"
    HDR = "hdr"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_MUCH_WORK = "too_much_work"
    NOT_READABLE = "not_readable"
    NO_SUCH_TIME = "no_such_time"


class MediaError(RuntimeError):
    """The file cannot be used. `str()` is a sentence for whoever sent it."""

    def __init__(self, fault: MediaFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class PictureTrack:
    """`width` and `height` are as it is shown: `rotation` (degrees, 0 to 359) has been applied to them.

    `fps` is the mean where `is_variable`: not all frames are shown for the same time.
    """

    width: int
    height: int
    frames: int
    fps: float
    is_variable: bool = False
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class SoundTrack:
    sample_rate: int


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """At least one of the tracks is there."""

    seconds: float
    pictures: PictureTrack | None
    sound: SoundTrack | None


class MediaProbe(Protocol):
    def probe(self, path: Path) -> MediaFacts:
        """What is in a file that nobody has looked at yet. Blocks, for some seconds at most.

        A file is taken for what it holds, whatever its name: nothing that it refers to is read.

        Raises:
            MediaError: it is no video and no sound, damaged, or more than is taken in.
        """
        ...

    def frame(self, path: Path, at_s: float) -> bytes:
        """The frame of a video that is shown at a time, as a PNG of the size in which it is shown. Blocks.

        Raises:
            MediaError: there is none at that time, or the file cannot be read.
        """
        ...

    def sprite(self, path: Path, seconds: float, *, tile_width: int) -> bytes:
        """A JPEG of `SPRITE_TILES` small pictures of a video that lasts `seconds`. Blocks.

        Raises:
            MediaError: the file cannot be read.
        """
        ...


def pictures_of(facts: MediaFacts) -> PictureTrack:
    """Raises: MediaError, there is only sound."""
    if facts.pictures is None:
        message = "This file has sound alone. What you want needs a video with a picture."
        raise MediaError(MediaFault.NO_PICTURES, message)
    return facts.pictures


def sound_of(facts: MediaFacts) -> SoundTrack:
    """Raises: MediaError, there is no sound."""
    if facts.sound is None:
        raise MediaError(MediaFault.NO_SOUND, "This file has no sound. What you want needs a file with some.")
    return facts.sound
