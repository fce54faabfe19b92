"""What an image editor is: an instruction in, with a picture to change or without, and a picture out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from services.local_models.model_error import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import AuthoringConfig
    from services.memory_planner.model_memory import ModelMemory, Placement

SIDE_MULTIPLE = 16  # pixels: what image models of this kind can make


@dataclass(frozen=True, slots=True)
class EditorReady:
    """Pictures can be made. `model` names what makes them; `is_loaded`: without loading anything first.

    `memory` is what it takes of this machine; None: nothing.
    """

    model: str
    is_loaded: bool = True
    memory: ModelMemory | None = None


@dataclass(frozen=True, slots=True)
class EditorMissing:
    """No picture can be made. `reason` is a sentence for the person who runs the server."""

    reason: str


EditorStatus: TypeAlias = EditorReady | EditorMissing


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """`reference` is the picture file (PNG) to change; None makes one out of nothing.

    `width` and `height` are what is wanted, multiples of `SIDE_MULTIPLE`; what comes may have another size.
    """

    instruction: str
    width: int
    height: int
    rng_seed: int
    reference: bytes | None = field(default=None, repr=False)


class ImageEditorError(ModelError):
    """No picture was made."""


class ImageEditor(Protocol):
    def status(self) -> EditorStatus: ...

    def place(self, placement: Placement) -> None:
        """Where to load it from here on; what is loaded already stays where it is.

        One that takes memory of this machine has to be told before it is used.
        """
        ...

    async def prepare(self) -> None:
        """Load what is needed, if it is not there yet.

        Raises:
            ImageEditorError: it cannot be loaded.
        """
        ...

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        """A picture file, of whatever format, that nobody has looked at yet. Cancelling stops the model.

        `on_progress` gets fractions from 0 to 1 on the event loop, where they are known.

        Raises:
            ImageEditorError: there is none.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; the next call loads it again. Blocks until it is back."""
        ...

    def close(self) -> None:
        """Give back what was loaded. Blocks; idempotent."""
        ...


class ConfigurableImageEditor(ImageEditor, Protocol):
    def use(self, config: AuthoringConfig) -> None:
        """Paint as these settings say from here on. Blocks; the caller sees to it that nobody paints meanwhile."""
        ...


def aligned(pixels: float) -> int:
    """The nearest side that can be made."""
    return max(SIDE_MULTIPLE, round(pixels / SIDE_MULTIPLE) * SIDE_MULTIPLE)
