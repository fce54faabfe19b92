"""The prompt writer of a server that was given none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import PromptWriterError, WriterMissing, WriterStatus

if TYPE_CHECKING:
    from services.memory_planner.model_memory import Placement
    from services.prompt_writer.prompt_writer import WriterRequest, Written


class UnconfiguredPromptWriter:
    """A `PromptWriter` that says what is missing. `reason` is the sentence."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def status(self) -> WriterStatus:
        return WriterMissing(self._reason)

    def place(self, placement: Placement) -> None:
        """It takes no memory here."""

    async def prepare(self) -> None:
        raise PromptWriterError(ModelFault.NOT_LOADED, self._reason)

    async def write(self, request: WriterRequest) -> Written:
        del request
        raise PromptWriterError(ModelFault.NOT_LOADED, self._reason)

    def unload(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""
