"""A prompt writer that writes what a test sets, once the test lets it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import Instruction, PromptWriterError, WriterReady, WriterStatus
from tests.fakes.fake_device import FakeOutOfMemoryError

if TYPE_CHECKING:
    from services.memory_planner.model_memory import Placement
    from services.prompt_writer.prompt_writer import WriterRequest, Written
    from tests.fakes.fake_device import FakeModelOnDevice


class FakePromptWriter:
    """`answer` is given to every request, or `fail` raised; without either the prompt itself is the instruction.

    `model` takes memory for it.
    """

    def __init__(
        self,
        *,
        status: WriterStatus | None = None,
        answer: Written | None = None,
        model: FakeModelOnDevice | None = None,
    ) -> None:
        self._status = status or WriterReady("fake-writer")
        self._model = model
        self.answer = answer
        self.fail: PromptWriterError | None = None
        self.requests: list[WriterRequest] = []
        self.prepared = 0

    def status(self) -> WriterStatus:
        if self._model is None:
            return self._status
        return WriterReady("fake-writer", self._model.is_loaded, self._model.memory)

    def place(self, placement: Placement) -> None:
        if self._model is not None:
            self._model.place(placement)

    async def prepare(self) -> None:
        self.prepared += 1
        if self._model is not None:
            try:
                self._model.load()
            except FakeOutOfMemoryError as error:
                raise PromptWriterError(ModelFault.OUT_OF_MEMORY, str(error)) from error

    async def write(self, request: WriterRequest) -> Written:
        self.requests.append(request)
        with nullcontext() if self._model is None else self._model.working():
            await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        return self.answer or Instruction(f"{request.prompt}, written out")

    def unload(self) -> None:
        if self._model is not None:
            self._model.unload()

    def close(self) -> None:
        self.unload()


def writer_failure(message: str, fault: ModelFault = ModelFault.FAILED) -> PromptWriterError:
    return PromptWriterError(fault, message)
