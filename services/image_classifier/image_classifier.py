"""What an image classifier is: a picture in, a verdict on its safety out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.world_engine.world_engine import Picture


@dataclass(frozen=True, slots=True)
class ClassifierReady:
    """Pictures can be judged. `revision` names the model, its exact version and the rule.

    `memory` is what it takes of this machine; None: nothing.
    """

    revision: str
    memory: ModelMemory | None = None


@dataclass(frozen=True, slots=True)
class ClassifierFailing:
    """The last check failed; the next one tries again. `reason` is a sentence for the person who runs the server."""

    revision: str
    reason: str
    memory: ModelMemory | None = None


@dataclass(frozen=True, slots=True)
class ClassifierMissing:
    """No picture can be judged. `reason` is a sentence for the person who runs the server."""

    reason: str


ClassifierStatus: TypeAlias = ClassifierReady | ClassifierFailing | ClassifierMissing


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a classifier said of a picture. `revision` is its own, as of the moment at which it looked."""

    is_safe: bool
    revision: str


class ClassificationError(RuntimeError):
    """The picture could not be judged this time."""


class ImageClassifier(Protocol):
    """Safe to use from several threads; they share one model."""

    def status(self) -> ClassifierStatus:
        """Cheap: nothing is loaded."""
        ...

    def place(self, placement: Placement) -> None:
        """Where to work from here on. If the device turns out to be full, the CPU is used."""
        ...

    def judge(self, picture: Picture) -> Judgement:
        """Judge one picture of any size. Blocks.

        Raises:
            ClassificationError: there is no verdict; the caller must treat the picture as unsafe.
        """
        ...

    def close(self) -> None:
        """Unload the model. Idempotent."""
        ...
