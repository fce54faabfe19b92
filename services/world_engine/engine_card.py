"""What a world engine says of itself before it is loaded, and how its loading is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from services.model_hub.repository import Repository

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
    `missing` is a sentence that says what keeps it from being played on this machine; such an engine is still
    offered, because `load` then explains what to do, but nothing opens in it by default.
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
    missing: str | None = None

    @property
    def control_ms(self) -> float:
        """Milliseconds between two moments at which the engine can see input."""
        return 1000 * self.frames_per_pass / self.fps
