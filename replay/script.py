"""What a script is: a world to begin in, and what is done in it, pass by pass. docs/scripts.md describes the file."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from replay.plan import ReplayError
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = "terrarium.script"
VERSION: Final = 1
MOST_PASSES: Final = 100_000  # some 55 minutes of thirty passes a second
MOST_STEPS: Final = 5_000  # of a script that a server takes in one request
MOST_PICTURED: Final = 2_000  # passes whose frames a server keeps one by one; a picture has a megabyte or two
MOST_PROMPTS: Final = 16  # a world file holds no more changes than that and a few
LARGEST_FILE: Final = 8 * 1024 * 1024  # bytes

Kept: TypeAlias = Literal["film", "world", "log", "frames"]


class ScriptFault(StrEnum):
    """Why a script cannot be played."""

    EMPTY = "empty"
    TOO_LARGE = "tooLarge"
    UNREADABLE = "unreadable"  # the file cannot be read
    NOT_A_SCRIPT = "notAScript"
    OTHER_VERSION = "otherVersion"
    INVALID = "invalid"  # a field is not what it may be
    TOO_LONG = "tooLong"
    START_UNKNOWN = "startUnknown"  # the picture, the saved world or the file is not there, or cannot be read
    MOMENT_UNKNOWN = "momentUnknown"
    ENGINE_UNKNOWN = "engineUnknown"
    OTHER_ENGINE = "otherEngine"  # the world was made by another engine, or with other weights
    WORDS_NOT_HEARD = "wordsNotHeard"
    NAME_TAKEN = "nameTaken"


class ScriptError(ReplayError):
    """`message` is a sentence for the person whose script it is."""

    def __init__(self, fault: ScriptFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_key(name: str) -> str:
    if name not in KEY_CODES:
        raise ValueError(f"there is no key “{name}”; the keys are {', '.join(KEY_CODES)}")
    return name


Key: TypeAlias = Annotated[
    str, StringConstraints(max_length=32), AfterValidator(_known_key), Field(json_schema_extra={"enum": [*KEY_CODES]})
]
Words: TypeAlias = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
MousePixels: TypeAlias = Annotated[FiniteFloat, Field(ge=-10_000, le=10_000)]


class SeedStart(_Part):
    """A picture of the server's gallery, by the SHA-256 of its file."""

    kind: Literal["seed"]
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class WorldStart(_Part):
    """A saved world of the server, where it was saved, or at an earlier moment of it: after so many `passes`."""

    kind: Literal["world"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    passes: Annotated[int, Field(ge=0, le=2**53)] | None = None


class FileStart(_Part):
    """A picture or a world file, by its path from the folder of the script. Not on a server."""

    kind: Literal["file"]
    path: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    passes: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Step(_Part):
    """`hold` passes with the same `keys` down, in each of which the mouse moves by `mouse` pixels, right and down.

    `prompt` are words that steer the world from the first of them on; the empty ones are none.
    """

    hold: Annotated[int, Field(ge=1, le=10_000)] = 1
    keys: Annotated[tuple[Key, ...], Field(max_length=64)] = ()
    mouse: tuple[MousePixels, MousePixels] = (0.0, 0.0)
    prompt: Words | None = None


class _AnyScript(_Part):
    format: Literal["terrarium.script"]
    version: Literal[1]
    title: Annotated[str, StringConstraints(min_length=1, max_length=80)] = "A script"
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    quant: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    rng_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    keep: Annotated[tuple[Kept, ...], Field(min_length=1, max_length=4)] = ("film", "world", "log")


class ServerScript(_AnyScript):
    """A script as a server takes it: it begins in something that the server has."""

    start: Annotated[SeedStart | WorldStart, Field(discriminator="kind")]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST_STEPS)]


class Script(_AnyScript):
    """`model` and `quant`: of the engine; what is left out, a saved world or the picture decides."""

    start: Annotated[SeedStart | WorldStart | FileStart, Field(discriminator="kind")]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST_PASSES)]

    @property
    def passes(self) -> int:
        return sum(step.hold for step in self.steps)

    @property
    def prompts(self) -> int:
        return sum(step.prompt is not None for step in self.steps)

    @property
    def has_prompts(self) -> bool:
        return any(step.prompt for step in self.steps)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what the script says, however its file is written."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class _Head(BaseModel):
    """The fields that every version of the format has."""

    format: Literal["terrarium.script"]
    version: int


def of_server(script: ServerScript) -> Script:
    return Script.model_validate(script.model_dump())


def read_script(data: bytes) -> Script:
    """A script from the bytes of its file. Raises: ScriptError."""
    if len(data) > LARGEST_FILE:
        limit = LARGEST_FILE // (1024 * 1024)
        raise ScriptError(ScriptFault.TOO_LARGE, f"A script has {limit} MiB at most.")
    if not data.strip():
        raise ScriptError(ScriptFault.EMPTY, "The file is empty. docs/scripts.md shows what a script looks like.")
    try:
        head = _Head.model_validate_json(data)
    except ValidationError as error:
        message = f"This is no script: a script is JSON, with “format”: “{FORMAT}” and a version."
        raise ScriptError(ScriptFault.NOT_A_SCRIPT, message) from error
    if head.version != VERSION:
        message = f"The script has version {head.version} of the format; this server reads version {VERSION}."
        raise ScriptError(ScriptFault.OTHER_VERSION, message)
    try:
        script = Script.model_validate_json(data)
    except ValidationError as error:
        raise ScriptError(ScriptFault.INVALID, _sentence(error)) from error
    require_playable(script)
    return script


def require_playable(script: Script) -> None:
    """Raises: ScriptError, it is longer than a script may be."""
    if script.passes > MOST_PASSES:
        message = f"The script has {script.passes:,} passes, and may have {MOST_PASSES:,} at most."
        raise ScriptError(ScriptFault.TOO_LONG, message)
    if script.prompts > MOST_PROMPTS:
        message = f"The script has {script.prompts} prompts, and may have {MOST_PROMPTS} at most."
        raise ScriptError(ScriptFault.TOO_LONG, message)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = _place(first["loc"])
    return f"{first['msg']} ({where})."


def _place(parts: Sequence[int | str]) -> str:
    """Steps are counted from 1 by those who write them."""
    place = ""
    for part in parts:
        place += f" {part + 1}" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    return place or "the whole script"
