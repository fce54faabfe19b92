"""What a world engine says of itself before it is loaded, and how its loading is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from services.model_hub.repository import Repository, is_model_id

_LONGEST_TITLE: Final = 60
_LONGEST_DESCRIPTION: Final = 1000
_MOST_FRAMES: Final = 240

Placement: TypeAlias = Literal["cpu", "device"]


class LoadStep(Enum):
    """The stage of loading an engine, reported so that the waiting person can see it."""

    READING = "reading"  # weights from disk
    BUILDING = "building"  # the engine in memory
    WARMING_UP = "warming_up"  # the first passes, compilation


LoadReport: TypeAlias = Callable[[LoadStep], None]


class ModelLoadError(RuntimeError):
    """A model could not be loaded. `str()` of it tells the person what failed and what to do about it."""


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Bytes that an engine takes while it is loaded, including its worlds and working memory.

    `can_be_unloaded_in_play` promises two things: `close` frees this memory, and after the engine is loaded again, a
    world goes on exactly from its snapshot. It is False if a library never releases the device, or if a snapshot is
    incomplete.
    """

    ram: int
    vram: int = 0
    can_be_unloaded_in_play: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCard:
    """The facts of an engine that people and the server choose by.

    `model_id` is `owner/name`. `licence` is an SPDX identifier: that of the weights, or of the code of an engine that
    has none. `quants` are the quantisations that `load` accepts, the best first; "none" is full precision.
    `placement` says where the engine runs: several CPU engines can be loaded at a time, but only one device engine.
    `size_bytes` is the size of its files on disk, None where that is unknown. `repositories` are what has to be
    pulled before it can be loaded. `at_home_in` names the worlds whose views it plays better than others do.
    `takes_words`: a prompt can steer its worlds. `missing` is a sentence that says what keeps it from being played on
    this machine; such an engine is still offered, because `load` then explains what to do, but nothing opens in it by
    default.

    Raises:
        ValueError: one of them is out of bounds.
    """

    model_id: str
    title: str
    description: str
    model_type: str
    licence: str
    memory: EngineMemory
    frames_per_pass: int
    fps: int
    quants: tuple[str, ...] = ("none",)
    placement: Placement = "cpu"
    size_bytes: int | None = None
    repositories: tuple[Repository, ...] = ()
    at_home_in: frozenset[str] = frozenset()
    takes_words: bool = False
    missing: str | None = None

    def __post_init__(self) -> None:
        if not is_model_id(self.model_id):
            raise ValueError(f"{self.model_id!r:.100} is no id of a model: it has to be owner/name")
        if not self.title.isprintable() or not 1 <= len(self.title) <= _LONGEST_TITLE:
            raise ValueError(f"the title has to be one line of 1 to {_LONGEST_TITLE} characters")
        if len(self.description) > _LONGEST_DESCRIPTION:
            raise ValueError(f"the description has more than {_LONGEST_DESCRIPTION} characters")
        if not self.quants:
            raise ValueError("no quantisation is named; full precision is “none”")
        if not all(1 <= number <= _MOST_FRAMES for number in (self.frames_per_pass, self.fps)):
            raise ValueError(f"frames a pass and frames a second have to be 1 to {_MOST_FRAMES}")
        if min(self.memory.ram, self.memory.vram, self.size_bytes or 0) < 0:
            raise ValueError("memory and size are bytes, and not negative")

    @property
    def control_ms(self) -> float:
        """Milliseconds between two moments at which the engine can see input."""
        return 1000 * self.frames_per_pass / self.fps
