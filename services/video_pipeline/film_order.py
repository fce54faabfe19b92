"""What somebody wants filmed: the way in which a film is made, and what is the same for all ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOTE_NAMES: Final = frozenset({"title", "artist", "comment", "description", "copyright"})  # what MP4 has a place for


class WayName(StrEnum):
    """The ways of making, by the names that requests and specs use."""

    WORDS = "words"
    PICTURES = "pictures"
    SOUND = "sound"
    RETAKE = "retake"
    EXTENSION = "extension"
    JOINING = "joining"
    CONTROL = "control"
    UPSCALE = "upscale"


class RetakenPart(StrEnum):
    PICTURE = "picture"
    SOUND = "sound"
    BOTH = "both"


class Side(StrEnum):
    START = "start"
    END = "end"


class Control(StrEnum):
    """What of the source guides the film. `AS_IS`: the source is a control video already."""

    DEPTH = "depth"
    EDGES = "edges"
    POSE = "pose"
    AS_IS = "as_is"


class Camera(StrEnum):
    STATIC = "static"
    DOLLY_IN = "dolly_in"
    DOLLY_OUT = "dolly_out"
    DOLLY_LEFT = "dolly_left"
    DOLLY_RIGHT = "dolly_right"
    JIB_UP = "jib_up"
    JIB_DOWN = "jib_down"
    FOCUS_SHIFT = "focus_shift"


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A picture file, PNG or JPEG, that was decoded and judged before, and where in the film it is to be seen.

    `at` is in seconds, or one of the ends. `strength` is above 0, and 1 for a picture that is met exactly.
    """

    path: Path
    at: Literal["first", "last"] | float = "first"
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class FromWords:
    pass


@dataclass(frozen=True, slots=True)
class FromPictures:
    pictures: tuple[PlacedPicture, ...]


@dataclass(frozen=True, slots=True)
class FromSound:
    """Pictures to the sound of a file, from its beginning. The film sounds like the file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Retake:
    """The source with `what` made anew between two times of it, in seconds. The rest stays as it is."""

    source: Path
    start_s: float
    end_s: float
    what: RetakenPart = RetakenPart.BOTH


@dataclass(frozen=True, slots=True)
class Extension:
    """The source, longer by `seconds` at one side."""

    source: Path
    side: Side
    seconds: float


@dataclass(frozen=True, slots=True)
class Joining:
    """Two sources with a passage of `seconds` between them."""

    before: Path
    after: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """A film that follows the depth, the edges or the pose of the source, from its beginning.

    `lora` is the in-context LoRA that was trained for this control; None: the one that the model has for it.
    """

    source: Path
    control: Control
    lora: Path | None = None


@dataclass(frozen=True, slots=True)
class Upscale:
    """The source in twice its size. `width` and `height` of the order are those of the result."""

    source: Path


Way: TypeAlias = FromWords | FromPictures | FromSound | Retake | Extension | Joining | Controlled | Upscale


@dataclass(frozen=True, slots=True)
class LoraUse:
    """A LoRA file of a person's own, in the format safetensors."""

    path: Path
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """One film. The same order with the same model gives the same bytes on the same machine.

    `width` and `height` are pixels of the film. `frames` is how many frames the model makes at once, those of a source
    that it sees included: 8 k + 1 (`video_specs.frames_for`). `fps` is the exact rate, such as 24000 / 1001. `seed` is
    from 0 to 2 ** 63 - 1. `upscale`: made at half the size first, then upscaled and refined. `previews`: pictures of
    the unfinished film on the way. `notes` are written into the file, under `NOTE_NAMES`.

    Raises:
        ValueError: a note has another name. What a person may have chosen wrongly is told by `film_checks.refusal_of`.
    """

    way: Way
    prompt: str
    seed: int
    width: int
    height: int
    frames: int
    fps: float
    negative_prompt: str = ""
    loras: tuple[LoraUse, ...] = ()
    camera: Camera | None = None
    upscale: bool = False
    previews: bool = False
    notes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        unknown = sorted(set(self.notes) - NOTE_NAMES)
        if unknown:
            raise ValueError(f"A film has no place for a note called {unknown[0]!r:.50}.")


def way_name(way: Way) -> WayName:
    match way:
        case FromWords():
            return WayName.WORDS
        case FromPictures():
            return WayName.PICTURES
        case FromSound():
            return WayName.SOUND
        case Retake():
            return WayName.RETAKE
        case Extension():
            return WayName.EXTENSION
        case Joining():
            return WayName.JOINING
        case Controlled():
            return WayName.CONTROL
        case Upscale():
            return WayName.UPSCALE
