"""What an image classifier is: a picture in, a verdict on its safety out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture


@dataclass(frozen=True, slots=True)
class ClassifierReady:
    """Pictures can be judged. `revision` names the model and its exact version."""

    revision: str


@dataclass(frozen=True, slots=True)
class ClassifierMissing:
    """No picture can be judged. `reason` is a sentence for the person who runs the server."""

    reason: str


ClassifierStatus: TypeAlias = ClassifierReady | ClassifierMissing


class ClassificationError(RuntimeError):
    """The picture could not be judged this time."""


class ImageClassifier(Protocol):
    def status(self) -> ClassifierStatus: ...

    def is_safe(self, picture: Picture) -> bool:
        """Judge one picture of any size. Blocks.

        Raises:
            ClassificationError: there is no verdict; the caller must treat the picture as unsafe.
        """
        ...
