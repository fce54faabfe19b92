"""The messages between the server and a host's process."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from services.child_process.log_relay import Logged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.world_engine.engine_card import LoadStep
    from services.world_engine.world_engine import ControlPayload, Frames, Picture, WorldSpec

Option: TypeAlias = "bool | int | float | str | tuple[Option, ...] | None"


@dataclass(frozen=True, slots=True)
class HostSpec:
    """What the process loads: `factory` is `module:function`, called with `quant`, `report` and the options."""

    name: str
    factory: str
    options: Mapping[str, Option]
    quant: str
    environment: Mapping[str, str]
    niceness: int


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes in the memory for states, which the server hands out."""

    offset: int
    size: int


Blob: TypeAlias = bytes | Region  # what is small goes with the message

# ---------------------------------------------------------------------------------------- to the process


@dataclass(frozen=True, slots=True)
class OpenWorld:
    world: int  # the number that the server gives it
    seed: Picture = field(repr=False)
    rng_seed: int


@dataclass(frozen=True, slots=True)
class Step:
    """`slot`: the offset for the frames in the shared memory; None: they come with the answer."""

    world: int
    control: ControlPayload
    slot: int | None


@dataclass(frozen=True, slots=True)
class ContinueFrom:
    world: int
    picture: Picture = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetPrompt:
    world: int
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UsePrompt:
    """The host's own second half of `SetPrompt`: the words have been read."""

    world: int
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """`place`: where the state is to be written, if it has room there; None, or if not: it comes with the answer."""

    world: int
    place: Region | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    world: int
    model_id: str
    weights_hash: str
    state: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloseWorld:
    world: int


@dataclass(frozen=True, slots=True)
class Warm:
    """Touch the memory of a region that nobody uses, beside play, so that the next state is written there at once."""

    region: Region


@dataclass(frozen=True, slots=True)
class Park:
    """Have the engine leave its device. It has no world."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Have it come back."""


HostCall: TypeAlias = (
    OpenWorld | Step | ContinueFrom | SetPrompt | UsePrompt | TakeSnapshot | Restore | CloseWorld | Warm | Park | Resume
)


@dataclass(frozen=True, slots=True)
class Call:
    number: int
    what: HostCall


@dataclass(frozen=True, slots=True)
class CloseEngine:
    """Close the engine and end."""


ToHost: TypeAlias = Call | CloseEngine

# -------------------------------------------------------------------------------------- from the process


class HostFault(StrEnum):
    LOAD_FAILED = "load_failed"
    OUT_OF_MEMORY = "out_of_memory"
    WORLD_CLOSED = "world_closed"
    SNAPSHOT_MISMATCH = "snapshot_mismatch"
    BAD_INPUT = "bad_input"
    BAD_FRAMES = "bad_frames"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LoadReported:
    step: LoadStep


@dataclass(frozen=True, slots=True)
class Loaded:
    spec: WorldSpec
    is_batched: bool


@dataclass(frozen=True, slots=True)
class LoadFailed:
    fault: HostFault
    message: str


@dataclass(frozen=True, slots=True)
class Opened:
    takes_words: bool


@dataclass(frozen=True, slots=True)
class Stepped:
    """The frames are in the slot that the call named, if it named one. The pass took `seconds`, with `worlds` in it."""

    frames: Frames | None = field(repr=False)
    worlds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """`state`: the part of the place that was written, or the bytes themselves."""

    model_id: str
    weights_hash: str
    state: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    pass


Answer: TypeAlias = Opened | Stepped | SnapshotTaken | Done


@dataclass(frozen=True, slots=True)
class Answered:
    number: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    number: int
    fault: HostFault
    message: str


FromHost: TypeAlias = LoadReported | Loaded | LoadFailed | Answered | Failed | Logged
