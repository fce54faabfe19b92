"""What a video model can make: sizes, lengths, rates, ways and limits, and why not where it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from services.video_pipeline.film_order import (
    Control,
    Controlled,
    Extension,
    FromPictures,
    FromSound,
    FromWords,
    Joining,
    Retake,
    Upscale,
    WayName,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from services.video_pipeline.film_order import Camera, Way

FRAME_STEP: Final = 8  # the model packs eight frames into one of its own; the first stands alone
SIDE_STEP: Final = 32  # pixels of a side for one token
_NAMES: Final = MappingProxyType(
    {Control.DEPTH: "depth", Control.EDGES: "edges", Control.POSE: "poses", Control.AS_IS: "a control video"}
)
_MADE_AS_LARGE: Final = "A film with a source is made in the size of that at once. It can be upscaled afterwards."
CONTEXT_S: Final = 1.0  # how much of a source the model sees on each side of what it makes


@dataclass(frozen=True, slots=True)
class ModelReady:
    """Films can be made. `is_loaded`: without loading the model first."""

    is_loaded: bool = False


@dataclass(frozen=True, slots=True)
class ModelMissing:
    """No film can be made. `reason` is a sentence for the person who runs the server."""

    reason: str


ModelReadiness: TypeAlias = ModelReady | ModelMissing


@dataclass(frozen=True, slots=True)
class FilmSize:
    """A size that people know by name, such as 540p."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """`by`: a LoRA that is on this machine, or words that are appended to the prompt."""

    camera: Camera
    by: Literal["lora", "words"]


@dataclass(frozen=True, slots=True)
class VideoSpecs:
    """`ways` has a sentence for each way that is not possible, and None for the others.

    `longest_frames` holds for any size; `most_tokens` bounds size and length together (`tokens_of`). `has_negative` and
    `has_sound` say whether the model heeds a negative prompt and makes sound. `why_no_upscale`: a sentence where the
    upscaler is missing. `controls` has a sentence for each that cannot be made from a source here. For `own_controls`
    the in-context LoRA is on this machine, and for the others an order has to bring one.
    """

    model: str
    revision: str | None
    licence: str
    readiness: ModelReadiness
    sizes: tuple[FilmSize, ...]
    rates: tuple[float, ...]
    ways: Mapping[WayName, str | None]
    cameras: tuple[CameraSpec, ...]
    controls: Mapping[Control, str | None]
    steps: int
    own_controls: tuple[Control, ...] = ()
    has_sound: bool = True
    has_negative: bool = False
    why_no_upscale: str | None = None
    why_no_loras: str | None = None
    smallest_side: int = 64
    largest_side: int = 3840
    shortest_frames: int = 9
    longest_frames: int = 481
    most_tokens: int = 75_000
    slowest_fps: float = 8.0
    fastest_fps: float = 60.0
    longest_prompt: int = 4000  # characters
    most_pictures: int = 8
    most_loras: int = 4
    strongest_lora: float = 4.0
    longest_source_s: float = 600.0


def why_not_in_two_passes(specs: VideoSpecs, way: WayName) -> str | None:
    """A sentence where a film of that way cannot be made at half the size first; None: it can."""
    match way:
        case WayName.WORDS | WayName.PICTURES | WayName.SOUND | WayName.CONTROL:
            return specs.why_no_upscale
        case WayName.RETAKE | WayName.EXTENSION | WayName.JOINING | WayName.UPSCALE:
            return _MADE_AS_LARGE


def why_no_control(specs: VideoSpecs, control: Control, *, brings_lora: bool = False) -> str | None:
    """A sentence where a film cannot follow that; None: it can, as far as is known before the source is read."""
    why_not = specs.controls[control]
    if why_not is None and not brings_lora and control not in specs.own_controls:
        return f"Following {_NAMES[control]} needs an in-context LoRA, and none for it is on this machine."
    return why_not


def tokens_of(width: int, height: int, frames: int) -> int:
    """How many tokens the model works with at once, by which its time and memory grow."""
    return ((frames - 1) // FRAME_STEP + 1) * (width // SIDE_STEP) * (height // SIDE_STEP)


def most_frames(specs: VideoSpecs, width: int, height: int) -> int:
    """The longest film of a size, in frames; below `shortest_frames` where the size is too large for any."""
    per_frame = max(1, (width // SIDE_STEP) * (height // SIDE_STEP))
    return min(specs.longest_frames, (specs.most_tokens // per_frame - 1) * FRAME_STEP + 1)


def frames_of(seconds: float, fps: float) -> int:
    """The number of frames that can be made (8 k + 1) which lasts at least `seconds`."""
    if not isfinite(seconds * fps):
        return 0
    return max(0, ceil((seconds * fps - 1 - 1e-6) / FRAME_STEP)) * FRAME_STEP + 1


def frames_for(way: Way, seconds: float, fps: float) -> int:
    """`FilmOrder.frames` for a way. `seconds` is the film's length, where the way has none of its own."""
    match way:
        case FromWords() | FromPictures() | FromSound() | Controlled() | Upscale():
            return frames_of(seconds, fps)
        case Retake(_, start_s, end_s):
            return frames_of(min(start_s, CONTEXT_S) + end_s - start_s + CONTEXT_S, fps)
        case Extension(_, _, added_s):
            return frames_of(CONTEXT_S + added_s, fps)
        case Joining(_, _, between_s):
            return frames_of(2 * CONTEXT_S + between_s, fps)
