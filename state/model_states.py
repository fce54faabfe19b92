"""States of the models beside the engine: whether a scene uses them, and what they said at the last look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from services.image_classifier.image_classifier import ClassifierStatus
    from services.image_editor.image_editor import EditorStatus
    from services.memory_planner.memory_plan import MemoryPlan
    from services.prompt_writer.prompt_writer import WriterStatus

SceneRole: TypeAlias = Literal["writer", "editor"]  # models that make scenes
Role: TypeAlias = SceneRole | Literal["classifier"]


@dataclass(frozen=True, slots=True)
class ModelIdle:
    """No scene uses the model. It may be in memory, and can be unloaded to make room for an engine."""


@dataclass(frozen=True, slots=True)
class ModelInUse:
    """A reservation holds the model: nobody else unloads it."""


@dataclass(frozen=True, slots=True)
class ModelVacating:
    """The model is being unloaded to make room for an engine: no reservation can take it until that is done."""


ModelUse: TypeAlias = ModelIdle | ModelInUse | ModelVacating


@dataclass(frozen=True, slots=True)
class ModelPlans:
    """Where each model is, or would be loaded to. None: it takes no memory of this machine, or there is no model."""

    classifier: MemoryPlan | None = None
    writer: MemoryPlan | None = None
    editor: MemoryPlan | None = None


@dataclass(frozen=True, slots=True)
class ModelsUnknown:
    """Nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class ModelsKnown:
    """What the models said of themselves at the last look, and what the planner made of it.

    `look` numbers the looks. `looked_at` is on the monotonic clock, in seconds.
    `if_shared` are the plans for somebody who asks while others play on the device's engine; `if_alone` those for
    anybody else, for whom that engine may be unloaded.
    """

    look: int
    looked_at: float
    classifier: ClassifierStatus
    writer: WriterStatus
    editor: EditorStatus
    if_alone: ModelPlans
    if_shared: ModelPlans


ModelsState: TypeAlias = ModelsUnknown | ModelsKnown
