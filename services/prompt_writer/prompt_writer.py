"""What a prompt writer is: a person's prompt in, an instruction for a model of pictures or films out, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from services.local_models.model_error import ModelError

if TYPE_CHECKING:
    from runtime_config.authoring_config import AuthoringConfig
    from services.memory_planner.model_memory import ModelMemory, Placement


@dataclass(frozen=True, slots=True)
class WriterReady:
    """Prompts can be turned into instructions by `model`; `is_loaded`: without loading anything first.

    `memory` is what it takes of this machine; None: nothing.
    """

    model: str
    is_loaded: bool = True
    memory: ModelMemory | None = None


@dataclass(frozen=True, slots=True)
class WriterMissing:
    """No instructions can be written. `reason` is a sentence for the person who runs the server."""

    reason: str


WriterStatus: TypeAlias = WriterReady | WriterMissing


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Change what is seen as `prompt` says. `view` is a small JPEG of it."""

    prompt: str
    view: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SceneRequest:
    """Make a scene out of nothing as `prompt` says."""

    prompt: str


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """Describe a film as `prompt` says: what is seen and heard, and how it goes on."""

    prompt: str


WriterRequest: TypeAlias = EditRequest | SceneRequest | FilmRequest


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the image model, or that of films, is told: one line of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The prompt is declined. `reason` is the writer's: one line of plain text, which may be empty."""

    reason: str


Written: TypeAlias = Instruction | Refusal


class PromptWriterError(ModelError):
    """Nothing was written."""


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

    async def write(self, request: WriterRequest) -> Written:
        """Turn a prompt into an instruction. Cancelling stops the model.

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


class ConfigurablePromptWriter(PromptWriter, Protocol):
    def use(self, config: AuthoringConfig) -> None:
        """Write as these settings say from here on. Blocks; the caller sees to it that nobody writes meanwhile."""
        ...
