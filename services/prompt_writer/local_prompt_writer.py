"""The local prompt writer: a language model on this machine, asked with the tools of every writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.local_models.local_model import LocalModel, ModelService
from services.prompt_writer.hermes_calls import calls_in
from services.prompt_writer.prompt_writer import PromptWriterError, WriterMissing, WriterReady, WriterStatus
from services.prompt_writer.tool_protocol import write_with_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.memory_planner.model_memory import Placement
    from services.prompt_writer.prompt_writer import WriterRequest, Written
    from services.prompt_writer.tool_protocol import ToolCall, Turn
    from services.prompt_writer.writer_files import WriterFiles
    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec

_SERVICE: Final = ModelService(
    name="prompt writer",
    factory="services.prompt_writer.writer_service:build_writer_service",
    work_bytes=3 << 29,
)


class LocalPromptWriter:
    """A `PromptWriter`. `unload` and `close` block until the model's process is gone."""

    def __init__(self, files: WriterFiles, start: Callable[[WorkerSpec], TorchWorker]) -> None:
        self._files = files
        self._model = LocalModel(files, _SERVICE, PromptWriterError, start)

    def status(self) -> WriterStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return WriterMissing(missing)
        return WriterReady(self._files.name, self._model.is_loaded, self._model.memory)

    def place(self, placement: Placement) -> None:
        self._model.place(placement)

    async def prepare(self) -> None:
        await self._model.call("prepare", None)

    async def write(self, request: WriterRequest) -> Written:
        return await write_with_tools(self._ask, request)

    def unload(self) -> None:
        self._model.unload()

    def close(self) -> None:
        self._model.close()

    async def _ask(self, turns: Sequence[Turn]) -> Sequence[ToolCall]:
        told = [{"role": turn.role, "text": turn.text, "view": turn.view} for turn in turns]
        answer = await self._model.call("say", told)
        return calls_in(answer) if isinstance(answer, str) else ()
