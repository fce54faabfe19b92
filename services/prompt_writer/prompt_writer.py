"""What a prompt writer is: a person's wish in, an instruction for an image model out, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from services.memory_planner.model_memory import ModelMemory, Placement


@dataclass(frozen=True, slots=True)
class WriterReady:
    """Wishes can be written out. `model` names what does it; `is_loaded`: without loading anything first.

    `memory` is what it takes of this machine; None: nothing.
    """

    model: str
    is_loaded: bool = True
    memory: ModelMemory | None = None


@dataclass(frozen=True, slots=True)
class WriterMissing:
    """No wish can be written out. `reason` is a sentence for the person who runs the server."""

    reason: str


WriterStatus: TypeAlias = WriterReady | WriterMissing


@dataclass(frozen=True, slots=True)
class EditWish:
    """Change what is seen. `view` is a small JPEG of it."""

    wish: str
    view: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SceneWish:
    """A scene out of nothing."""

    wish: str


Wish: TypeAlias = EditWish | SceneWish


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the image model is told: one line of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The wish is not fulfilled. `reason` is the writer's, one line of plain text, and may be empty."""

    reason: str


Written: TypeAlias = Instruction | Refusal


class WriterFault(StrEnum):
    """Why nothing was written."""

    NOT_LOADED = "not_loaded"  # the model is missing, damaged, or does not fit
    OUT_OF_MEMORY = "out_of_memory"
    FAILED = "failed"


class PromptWriterError(RuntimeError):
    """Nothing was written. `str()` of it is a sentence for the person who wished, or who runs the server."""

    def __init__(self, fault: WriterFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class PromptWriter(Protocol):
    def status(self) -> WriterStatus: ...

    def place(self, placement: Placement) -> None:
        """Where to load it from here on; what is loaded already stays where it is.

        One that takes memory of this machine has to be told before it is used.
        """
        ...

    async def prepare(self) -> None:
        """Load what is needed, if it is not there yet.

        Raises:
            PromptWriterError: it cannot be loaded.
        """
        ...

    async def write(self, wish: Wish) -> Written:
        """Write a wish out. Cancelling stops the model.

        Raises:
            PromptWriterError: it failed, or gave no usable answer.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; the next call loads it again. Blocks until it is back."""
        ...

    def close(self) -> None:
        """Give back what was loaded, for good. Blocks; idempotent."""
        ...
