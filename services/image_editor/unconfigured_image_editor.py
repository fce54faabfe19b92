"""The image editor of a server that was given none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.image_editor.image_editor import EditorMissing, EditorStatus, ImageEditorError
from services.local_models.model_error import ModelFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.image_editor.image_editor import PictureOrder
    from services.memory_planner.model_memory import Placement


class UnconfiguredImageEditor:
    """An `ImageEditor` that says what is missing. `reason` is the sentence."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def status(self) -> EditorStatus:
        return EditorMissing(self._reason)

    def place(self, placement: Placement) -> None:
        """It takes no memory here."""

    async def prepare(self) -> None:
        raise ImageEditorError(ModelFault.NOT_LOADED, self._reason)

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        del order, on_progress
        raise ImageEditorError(ModelFault.NOT_LOADED, self._reason)

    def unload(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""
