"""What a world file is: everything needed to return to a moment of a world and to replay the way there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

from services.input_log.lines import PassCount, Sha256, ShortText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.input_log.columns import InputColumns
    from services.world_engine.world_engine import Picture, WorldSnapshot, WorldSpec

FORMAT_NAME: Final = "terrarium.world"
FORMAT_VERSION: Final = 1
PROMPTED_VERSION: Final = 2  # of a file with prompts, which a reader of the first version would replay without them
TITLE_LENGTH: Final = 80
LARGEST_SIDE: Final = 4096  # pixels
_MIB: Final = 1024 * 1024

Title: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=TITLE_LENGTH)]
Side: TypeAlias = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]


class WorldFileFault(StrEnum):
    """Why a file cannot be opened as a world."""

    NOT_A_WORLD = "notAWorld"  # no archive, or one of something else
    DAMAGED = "damaged"  # cut short, or a part is not what the manifest says
    TOO_LARGE = "tooLarge"  # more than the server takes in, packed or unpacked
    OTHER_VERSION = "otherVersion"


class WorldFileError(ValueError):
    """`message` is a sentence for the person who brought the file."""

    def __init__(self, fault: WorldFileFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


@dataclass(frozen=True, slots=True)
class WorldFileLimits:
    """The most that is read of a file from elsewhere. Bytes are those of the unpacked parts."""

    max_passes: int = 2_200_000  # ten hours of sixty a second
    max_pictures: int = 32
    max_changes: int = 24  # of the scene, and of the prompt; a session writes fewer
    manifest_bytes: int = _MIB // 4
    inputs_bytes: int = 512 * _MIB
    line_bytes: int = 16 * 1024
    picture_bytes: int = 64 * _MIB
    snapshot_bytes: int = 64 * _MIB
    stored_snapshot_bytes: int = 1024 * _MIB  # of one that is not packed, and so has its whole size in the file
    picture_pixels: int = 64 * _MIB  # of all pictures together


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFacts(_Part):
    """Which model, exactly: frames are reproduced by these weights alone."""

    id: ShortText
    quant: ShortText
    weights_hash: ShortText
    frames_per_pass: Annotated[int, Field(ge=1, le=1024)]
    fps: Annotated[int, Field(ge=1, le=1000)]
    width: Side
    height: Side

    @classmethod
    def of(cls, spec: WorldSpec, quant: str) -> ModelFacts:
        return cls(
            id=spec.model_id,
            quant=quant,
            weights_hash=spec.weights_hash,
            frames_per_pass=spec.frames_per_pass,
            fps=spec.fps,
            width=spec.width,
            height=spec.height,
        )


class SeedFacts(_Part):
    """`picture`: SHA-256 of the pixels. `file`: of the picture file that they came from, for information alone."""

    picture: Sha256
    file: Sha256 | None


class MomentFacts(_Part):
    """A moment after `passes` passes. `scene` is the picture that the world had last gone on from."""

    passes: PassCount
    snapshot: Sha256
    scene: Sha256


class PlaceFacts(MomentFacts):
    """Where the world was saved. `picture` is the frame that was seen there; None right after a return to it."""

    picture: Sha256 | None


class InputFacts(_Part):
    sha256: Sha256
    passes: PassCount


class Origins(_Part):
    """Where the file was made: what decides whether another machine computes the same frames."""

    versions: Annotated[dict[ShortText, ShortText], Field(max_length=64)]
    machine: ShortText


class Tolerance(_Part):
    """The largest difference of a pixel's value (0 to 255) that a replay may show; None: unknown."""

    same_machine: Annotated[int, Field(ge=0, le=255)] | None = 0
    other_machines: Annotated[int, Field(ge=0, le=255)] | None = None


class Manifest(_Part):
    """`base`: the inputs begin there; None: at the seed, before the first pass."""

    format: Literal["terrarium.world"] = FORMAT_NAME
    version: Literal[1, 2] = FORMAT_VERSION
    title: Title
    created_at: FiniteFloat  # seconds since the Unix epoch
    model: ModelFacts
    rng_seed: Annotated[int, Field(ge=0, lt=2**32)]
    seed: SeedFacts
    base: MomentFacts | None
    place: PlaceFacts
    inputs: InputFacts
    made_with: Origins
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True, slots=True)
class Continued:
    """After `passes` passes the world went on from another picture; `prompt` are the words that it was made of."""

    passes: int
    picture: str
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Prompted:
    """After `passes` passes these words began to steer the world; the empty ones are none."""

    passes: int
    words: str


Change: TypeAlias = Continued | Prompted


@dataclass(frozen=True, slots=True)
class Check:
    """SHA-256 of the last frame of pass number `passes`."""

    passes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WorldMoment:
    """A moment as an engine needs it. `scene` and `picture` are hashes of pixels."""

    passes: int
    snapshot: WorldSnapshot
    scene: str


@dataclass(frozen=True, slots=True)
class WorldFilePayload:
    """The whole content of a world file. `pictures` is by the hash of the pixels; `changes` and `checks` in order.

    `inputs` hold the passes from `base` (or the seed) to `place`, one after the other.
    """

    title: str
    created_at: float
    model: ModelFacts
    rng_seed: int
    seed: SeedFacts
    base: WorldMoment | None
    place: WorldMoment
    place_picture: str | None
    inputs: InputColumns
    changes: tuple[Change, ...]
    checks: tuple[Check, ...]
    pictures: Mapping[str, Picture]
    made_with: Origins
    tolerance: Tolerance

    @property
    def first_pass(self) -> int:
        """The number of passes before the inputs begin."""
        return 0 if self.base is None else self.base.passes

    @property
    def has_prompts(self) -> bool:
        return any(isinstance(change, Prompted) for change in self.changes)

    @property
    def scenes(self) -> frozenset[str]:
        """The pictures that the world began in, or went on from: all that a replay needs."""
        moments = [moment.scene for moment in (self.base, self.place) if moment is not None]
        continued = [change.picture for change in self.changes if isinstance(change, Continued)]
        return frozenset((self.seed.picture, *moments, *continued))

    def titled(self, title: str) -> WorldFilePayload:
        return replace(self, title=title)

    def without_frame(self) -> WorldFilePayload:
        """The same world without the frame that was seen at its place."""
        return replace(self, place_picture=None, pictures={name: self.pictures[name] for name in self.scenes})
