"""What models beside the engine say of themselves, and what is free: read at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.engines.fitting import room_of
from services.image_classifier.image_classifier import ClassifierMissing, ClassifierStatus
from services.image_editor.image_editor import EditorReady, EditorStatus
from services.memory_planner.situation import FreeMemory, ModelRequirement
from services.prompt_writer.prompt_writer import WriterReady, WriterStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.authoring_config import AuthoringConfig
    from runtime_config.current import Current
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.system_monitor.system_monitor import SystemMonitor
    from state.model_states import Role


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`requirements` has the models that take memory of this machine."""

    classifier: ClassifierStatus
    writer: WriterStatus
    editor: EditorStatus
    requirements: Mapping[Role, ModelRequirement]
    free: FreeMemory


class ModelFactsReader:
    def __init__(
        self,
        *,
        monitor: SystemMonitor,
        classifier: ImageClassifier,
        writer: PromptWriter,
        editor: ImageEditor,
        config: Current[AuthoringConfig],
    ) -> None:
        self._monitor = monitor
        self._classifier = classifier
        self._writer = writer
        self._editor = editor
        self._config = config

    def read(self) -> ModelFacts:
        """Blocks. Raises what the services raise."""
        classifier, writer, editor = self._classifier.status(), self._writer.status(), self._editor.status()
        found: dict[Role, ModelRequirement] = {}
        if not isinstance(classifier, ClassifierMissing) and classifier.memory is not None:
            memory = classifier.memory
            found["classifier"] = ModelRequirement(
                "The picture check", memory, is_loaded=memory.placement is not None, is_for_scenes=False
            )
        asked = self._config.now.local_writer
        if isinstance(writer, WriterReady) and writer.memory is not None and asked != "off":
            found["writer"] = ModelRequirement("The writer", writer.memory, asked, writer.is_loaded)
        asked = self._config.now.local_images
        if isinstance(editor, EditorReady) and editor.memory is not None and asked != "off":
            found["editor"] = ModelRequirement("The image model", editor.memory, asked, editor.is_loaded)
        return ModelFacts(classifier, writer, editor, found, room_of(self._monitor).free)
