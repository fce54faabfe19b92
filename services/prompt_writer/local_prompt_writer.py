"""The local prompt writer: a language model in a worker's process of its own, asked with the tools of every writer."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.local_models.placed_worker import PlacedWorker
from services.memory_planner.model_memory import ModelMemory, Placement
from services.prompt_writer.hermes_calls import calls_in
from services.prompt_writer.prompt_writer import (
    PromptWriterError,
    WriterFault,
    WriterMissing,
    WriterReady,
    WriterStatus,
)
from services.prompt_writer.tool_protocol import write_with_tools
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerFault,
    WorkerSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.prompt_writer.prompt_writer import Wish, Written
    from services.prompt_writer.tool_protocol import ToolCall, Turn
    from services.prompt_writer.writer_files import WriterFiles
    from services.torch_worker.torch_worker import TorchWorker

_ASK_LIMIT_S: Final = 900.0  # whoever waits has a shorter one
_IDLE_S: Final = 600.0  # then the model is unloaded
_WORK_BYTES: Final = 3 << 29  # what a wish takes on its way through the model, and the device's own share of a process

_FAULTS: Final = MappingProxyType(
    {
        WorkerFault.LOAD_FAILED: WriterFault.NOT_LOADED,
        WorkerFault.OUT_OF_MEMORY: WriterFault.OUT_OF_MEMORY,
    }
)


class LocalPromptWriter:
    """A `PromptWriter`. It is loaded to where it was told to be placed last.

    `unload` and `close` block until the process is gone.
    """

    def __init__(self, files: WriterFiles, start: Callable[[WorkerSpec], TorchWorker]) -> None:
        self._files = files
        self._worker = PlacedWorker(start, self._spec)

    def status(self) -> WriterStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return WriterMissing(missing)
        memory = ModelMemory(self._files.size(), _WORK_BYTES, placement=self._worker.placement)
        return WriterReady(self._files.name, self._worker.is_loaded, memory)

    def place(self, placement: Placement) -> None:
        self._worker.place(placement)

    async def prepare(self) -> None:
        await self._do("prepare", None)

    async def write(self, wish: Wish) -> Written:
        return await write_with_tools(self._ask, wish)

    def unload(self) -> None:
        self._worker.unload()

    def close(self) -> None:
        self._worker.close()

    async def _ask(self, turns: Sequence[Turn]) -> Sequence[ToolCall]:
        said = await self._do("say", [{"role": turn.role, "text": turn.text, "view": turn.view} for turn in turns])
        return calls_in(said) if isinstance(said, str) else ()

    async def _do(self, method: str, payload: Plain) -> Plain:
        worker = self._usable_worker()
        try:
            return await asyncio.wrap_future(worker.submit(method, payload, timeout_s=_ASK_LIMIT_S))
        except TorchWorkerError as error:
            raise PromptWriterError(_FAULTS.get(error.fault, WriterFault.FAILED), str(error)) from error

    def _usable_worker(self) -> TorchWorker:
        """The one that holds the model, or is about to."""
        missing = self._files.what_is_missing()
        if missing is not None:
            raise PromptWriterError(WriterFault.NOT_LOADED, missing)
        worker = self._worker.get()
        if worker is None:
            raise PromptWriterError(WriterFault.NOT_LOADED, "Nothing says where the prompt writer is to be loaded.")
        return worker

    def _spec(self, placement: Placement) -> WorkerSpec:
        return WorkerSpec(
            name="prompt writer",
            factory="services.prompt_writer.writer_service:build_writer_service",
            options={
                "folder": str(self._files.folder),
                "placement": placement,
                "threads": 1,
                "quant": self._files.quant,
            },
            idle_s=_IDLE_S,
        )
