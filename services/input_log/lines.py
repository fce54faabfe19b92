"""The lines of an input log: NDJSON, one object a line.

The types and fields that other readers of such logs know come first in each model; what follows them is what a replay
needs beyond. Readers that do not know a type or a field pass over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, TypeAdapter

from services.input_log.columns import PassInput
from services.world_engine.prompt_words import fault_of
from services.world_engine.world_engine import ControlPayload

if TYPE_CHECKING:
    from collections.abc import Iterable

LOG_FORMAT: Final = 1

Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PassCount: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
ShortText: TypeAlias = Annotated[str, StringConstraints(max_length=200)]
Words: TypeAlias = Annotated[str, StringConstraints(max_length=10_000)]


def _prompt(words: str) -> str:
    if fault := fault_of(words):
        raise ValueError(fault)
    return words


PromptWords: TypeAlias = Annotated[str, AfterValidator(_prompt)]
KeyCode: TypeAlias = Annotated[int, Field(ge=0, le=0xFFFF)]


class Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StartsFrom(Line):
    """Where a log begins that does not begin with its world: the SHA-256 of the engine's state and of the picture that
    goes with it. Both are saved beside the log."""

    snapshot: Sha256
    scene: Sha256


class SessionStart(Line):
    """`frame_id` counts the passes that the world had seen before. `n_frames` are the frames of one pass."""

    type: Literal["session_start"] = "session_start"
    ts: FiniteFloat
    frame_id: PassCount
    model: ShortText
    seed: ShortText | None
    n_frames: Annotated[int, Field(ge=1, le=1024)]
    seed_target_size: tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]]
    has_prompt_conditioning: bool = False
    # for replays
    format: int = LOG_FORMAT
    quant: ShortText = "none"
    weights_hash: ShortText = ""
    fps: Annotated[int, Field(ge=1, le=1000)] = 60
    rng_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    picture: Sha256 | None = None  # of the seed's pixels, as the engine got them
    starts_from: StartsFrom | None = None  # None: the seed
    versions: dict[ShortText, ShortText] = Field(default_factory=dict[ShortText, ShortText])


class FrameInput(Line):
    """What one pass was given. `frame_id` is the number of the pass in its world, from 1."""

    type: Literal["frame_input"] = "frame_input"
    ts: FiniteFloat
    frame_id: PassCount
    buttons: Annotated[tuple[KeyCode, ...], Field(max_length=256)]
    mouse_dx: FiniteFloat
    mouse_dy: FiniteFloat
    client_ts: FiniteFloat


class SceneEdit(Line):
    """The words of a change. The picture made from them is in the `continued_from` that follows; where the world was
    paused or had not been played yet, the log starts from it."""

    type: Literal["scene_edit"] = "scene_edit"
    ts: FiniteFloat
    frame_id: PassCount
    prompt: Words


class GenerateScene(Line):
    """The words from which this world's seed was just made. It follows the first line of that world's log."""

    type: Literal["generate_scene"] = "generate_scene"
    ts: FiniteFloat
    frame_id: PassCount
    prompt: Words


class ContinuedFrom(Line):
    """From here on the world goes on from another picture, by the SHA-256 of its pixels."""

    type: Literal["continued_from"] = "continued_from"
    ts: FiniteFloat
    frame_id: PassCount
    picture: Sha256


class Prompt(Line):
    """From here on these words steer the world; the empty ones are none."""

    type: Literal["prompt"] = "prompt"
    ts: FiniteFloat
    frame_id: PassCount
    prompt: PromptWords


class WorldReset(Line):
    """The world went back to before its first pass; `cause` says why. The log ends with it."""

    type: Literal["reset"] = "reset"
    ts: FiniteFloat
    frame_id: PassCount
    cause: Literal["asked", "engine_failed"] = "asked"


class WorldRestored(Line):
    """The world went back to the moment after pass `to`. The log ends with it."""

    type: Literal["restore"] = "restore"
    ts: FiniteFloat
    frame_id: PassCount
    to: PassCount


class WorldChanged(Line):
    """The session went on with another seed or model. The log ends with it."""

    type: Literal["new_world"] = "new_world"
    ts: FiniteFloat
    frame_id: PassCount
    model: ShortText
    picture: Sha256
    rng_seed: int


class FrameCheck(Line):
    """SHA-256 of the last frame of pass `frame_id`: RGB bytes, row by row."""

    type: Literal["frame_check"] = "frame_check"
    frame_id: PassCount
    sha256: Sha256


class SessionEnd(Line):
    """The log is whole. One without it was cut off, by a crash or a full disk, and holds what came before."""

    type: Literal["session_end"] = "session_end"
    ts: FiniteFloat
    frame_id: PassCount


LogLine: TypeAlias = (
    SessionStart
    | FrameInput
    | SceneEdit
    | GenerateScene
    | ContinuedFrom
    | Prompt
    | WorldReset
    | WorldRestored
    | WorldChanged
    | FrameCheck
    | SessionEnd
)
LOG_LINE: Final[TypeAdapter[LogLine]] = TypeAdapter(Annotated[LogLine, Field(discriminator="type")])


def frame_input(number: int, given: PassInput) -> FrameInput:
    control = given.control
    return FrameInput.model_construct(
        ts=given.ts,
        frame_id=number,
        buttons=tuple(sorted(control.buttons)),
        mouse_dx=control.mouse_dx,
        mouse_dy=control.mouse_dy,
        client_ts=given.client_ts,
    )


def pass_input(line: FrameInput) -> PassInput:
    control = ControlPayload(frozenset(line.buttons), line.mouse_dx, line.mouse_dy)
    return PassInput(control, line.ts, line.client_ts)


def encode_lines(lines: Iterable[LogLine]) -> bytes:
    return b"".join(line.model_dump_json().encode() + b"\n" for line in lines)
