"""REST models of films: what may be asked for, one model for each way of making, and what is told of them."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, FiniteFloat, JsonValue, StringConstraints

from api_types import ApiModel, JobStateName
from services.video_pipeline.film_order import Camera, Control, RetakenPart, Side, WayName

MOST_SEED: Final = (1 << 53) - 1  # the largest that every reader of JSON keeps exactly

Hash: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# Bounds that keep a request from being a burden; what the model can make is said by a sentence, and by `specs`.
Seconds: TypeAlias = Annotated[FiniteFloat, Field(ge=0, le=86_400)]
Pixels: TypeAlias = Annotated[int, Field(ge=1, le=65_536)]
Words: TypeAlias = Annotated[str, StringConstraints(max_length=200_000)]

# ------------------------------------------------------------------------------------------------------- parts


class SentRef(ApiModel):
    """A video or a sound that was sent in."""

    source: Hash


class FilmRef(ApiModel):
    film: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}$")]


class RecordingRef(ApiModel):
    recording: Annotated[str, StringConstraints(min_length=1, max_length=400)]


# A video or a sound that the server has.
SourceRef: TypeAlias = SentRef | FilmRef | RecordingRef


class PictureRef(ApiModel):
    """A picture of the gallery, and where it is to be seen: at an end of the film, or at a time of it in seconds."""

    seed: Hash
    at: Literal["first", "last"] | Seconds = "first"
    strength: Annotated[FiniteFloat, Field(ge=0, le=1)] = 1.0


class PlayedRef(ApiModel):
    """What the world of an open session shows now, or showed at a kept moment of it.

    It becomes a picture of the gallery when the film is asked for.
    """

    session: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    moment: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    at: Literal["first", "last"] | Seconds = "first"
    strength: Annotated[FiniteFloat, Field(ge=0, le=1)] = 1.0


class PlayedPlace(ApiModel):
    """Where a picture was taken in play."""

    session: str
    moment: str | None


class PlacedPictureRef(PictureRef):
    """`of`: the picture was taken for this film, in play."""

    of: PlayedPlace | None = None


LoraName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-][0-9A-Za-z._-]{0,99}$")]


class LoraRef(ApiModel):
    """A LoRA of this server, by the name that `specs` lists."""

    name: LoraName
    strength: Annotated[FiniteFloat, Field(ge=-16, le=16)] = 1.0


class WordsWay(ApiModel):
    kind: Literal["words"]


class PicturesWay(ApiModel):
    kind: Literal["pictures"]
    pictures: Annotated[tuple[PlacedPictureRef, ...], Field(min_length=1, max_length=32)]


class SoundWay(ApiModel):
    kind: Literal["sound"]
    sound: SourceRef


class RetakeWay(ApiModel):
    kind: Literal["retake"]
    source: SourceRef
    start_s: Seconds
    end_s: Seconds
    what: RetakenPart = RetakenPart.BOTH


class ExtensionWay(ApiModel):
    kind: Literal["extension"]
    source: SourceRef
    side: Side = Side.END
    added_s: Seconds


class JoiningWay(ApiModel):
    kind: Literal["joining"]
    before: SourceRef
    after: SourceRef
    between_s: Seconds


class ControlWay(ApiModel):
    kind: Literal["control"]
    source: SourceRef
    control: Control
    lora: LoraName | None = None


class UpscaleWay(ApiModel):
    kind: Literal["upscale"]
    source: SourceRef


AnyWay: TypeAlias = Annotated[
    WordsWay | PicturesWay | SoundWay | RetakeWay | ExtensionWay | JoiningWay | ControlWay | UpscaleWay,
    Field(discriminator="kind"),
]

# ---------------------------------------------------------------------------------------------------- requests


class _Wish(ApiModel):
    """What is the same for all ways. Without a `seed`, one is drawn; it is always told.

    `write_prompt`: the prompt writer writes the prompt out, and the film tells what was written.
    """

    prompt: Words = ""
    write_prompt: bool = False
    negative_prompt: Words = ""
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] | None = None
    camera: Camera | None = None
    loras: Annotated[tuple[LoraRef, ...], Field(max_length=16)] = ()


class _NewFilm(_Wish):
    """A film of a size and a length of its own; what is left out is the usual of the model.

    `upscale`: it is made at half the size first.
    """

    width: Pixels | None = None
    height: Pixels | None = None
    seconds: Seconds | None = None
    fps: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    upscale: bool = False


class WordsFilmBody(_NewFilm):
    """A film from words alone."""


class PicturesFilmBody(_NewFilm):
    """A film in which these pictures are seen."""

    pictures: Annotated[tuple[PictureRef | PlayedRef, ...], Field(min_length=1, max_length=32)]


class SoundFilmBody(_NewFilm):
    """A film to a sound."""

    sound: SourceRef


class RetakeFilmBody(_Wish):
    """A part of a film made anew."""

    source: SourceRef
    start_s: Seconds
    end_s: Seconds
    what: RetakenPart = RetakenPart.BOTH


class ExtensionFilmBody(_Wish):
    """A film made longer at one of its ends."""

    source: SourceRef
    side: Side = Side.END
    added_s: Seconds


class JoiningFilmBody(_Wish):
    """Two films, with a new passage between them."""

    before: SourceRef
    after: SourceRef
    between_s: Seconds


class ControlFilmBody(_NewFilm):
    """A film that follows another one, such as a recorded walk.

    `lora`: the in-context LoRA for that, by the name that `specs` lists; without it, the one that the model has.
    """

    source: SourceRef
    control: Control
    lora: LoraName | None = None


class UpscaleFilmBody(_Wish):
    """A film in twice its size."""

    source: SourceRef


class WalkIntoBody(ApiModel):
    """A frame of a film, a source or a recording becomes a picture of the gallery, in which a world can open."""

    source: SourceRef
    at_s: Seconds
    title: Annotated[str, StringConstraints(max_length=400)] = ""


# ------------------------------------------------------------------------------------------------------ answers


class FilmFault(ApiModel):
    code: str
    message: str


class FilmSummary(ApiModel):
    """A film, made or in the making. Its id is that of the job that makes it; times are seconds since 1970.

    `request` makes it again, with the `seed`. `written_prompt` is what the prompt writer made of the prompt. What is
    only known of a film that is made is null before. `timings_s` are by stage. `digest` is the SHA-256 of what the
    model made: the same for films that are the same.
    """

    id: str
    state: JobStateName
    way: str
    prompt: str
    written_prompt: str | None = None
    seed: int
    request: dict[str, JsonValue]
    created_at: float
    ended_at: float | None = None
    stage: str | None = None
    fraction: float | None = None
    position: int | None = None
    waiting_s: int | None = None
    remaining_s: int | None = None
    fault: FilmFault | None = None
    model: str | None = None
    revision: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    has_sound: bool | None = None
    size_bytes: int | None = None
    digest: str | None = None
    timings_s: dict[str, float] | None = None
    content_url: str | None = None
    thumbnail_url: str | None = None
    sprite_url: str | None = None
    owner: str | None = None


class FilmsUsage(ApiModel):
    used_bytes: int
    quota_bytes: int
    free_bytes: int


class FilmsResponse(ApiModel):
    """Newest first. `next` asks for the page after this one; null on the last."""

    films: list[FilmSummary]
    next: str | None
    usage: FilmsUsage


class SourceSummary(ApiModel):
    """A video or a sound that was sent in. What it does not have is null. `width` and `height` are as it is shown."""

    hash: str
    title: str
    seconds: float
    size_bytes: int
    width: int | None
    height: int | None
    frames: int | None
    fps: float | None
    is_variable_rate: bool
    rotation: int
    has_sound: bool
    used_at: float
    content_url: str
    owner: str | None = None


class SourcesResponse(ApiModel):
    sources: list[SourceSummary]


class FilmSizeSpec(ApiModel):
    """`seconds` are the longest films of that size, by the rates of `rates` in their order."""

    name: str
    width: int
    height: int
    seconds: list[float]


class WaySpec(ApiModel):
    """`why_not`: a sentence where this way is not possible here.

    `why_no_upscale`: a sentence where its films cannot be made at half their size first.
    """

    way: WayName
    why_not: str | None
    why_no_upscale: str | None


class ControlSpec(ApiModel):
    """`why_not`: a sentence where a film cannot follow that here. `takes_lora`: it can, by a `lora` of the request."""

    control: Control
    why_not: str | None
    takes_lora: bool


class CameraSpecBody(ApiModel):
    camera: Camera
    by: Literal["lora", "words"]


class VideoSpecsResponse(ApiModel):
    """What can be made here. `is_ready`: films can be made now; otherwise `why_not` is a sentence.

    Sides are multiples of `side_step` pixels; films have 8 k + 1 frames. `sprite_tiles` is how many pictures a sprite
    has in its row. `why_no_writing`: a sentence where no prompt can be written out. `memory_bytes`: what the model
    takes of this machine, null where nobody knows.
    """

    model: str
    revision: str | None
    licence: str
    is_ready: bool
    is_loaded: bool
    why_not: str | None
    why_waiting: str | None
    sizes: list[FilmSizeSpec]
    rates: list[float]
    ways: list[WaySpec]
    controls: list[ControlSpec]
    cameras: list[CameraSpecBody]
    loras: list[str]
    why_no_loras: str | None
    why_no_upscale: str | None
    why_no_writing: str | None
    steps: int
    has_sound: bool
    has_negative: bool
    smallest_side: int
    largest_side: int
    side_step: int
    shortest_frames: int
    longest_frames: int
    slowest_fps: float
    fastest_fps: float
    longest_prompt: int
    most_pictures: int
    most_loras: int
    strongest_lora: float
    longest_source_s: float
    largest_source_bytes: int
    sprite_tiles: int
    memory_bytes: int | None
