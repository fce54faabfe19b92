"""The local image model, in a worker's process of its own: a crash of it costs a picture, not a verdict or a world."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.image_editor.image_editor import (
    EditorFault,
    EditorMissing,
    EditorReady,
    EditorStatus,
    ImageEditorError,
)
from services.local_models.placed_worker import PlacedWorker
from services.memory_planner.model_memory import ModelMemory, Placement
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerFault,
    WorkerSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.image_editor.flux_files import FluxFiles
    from services.image_editor.image_editor import PictureOrder
    from services.torch_worker.torch_worker import TorchWorker

_MAKE_LIMIT_S: Final = 900.0  # whoever waits has a shorter one
_IDLE_S: Final = 600.0  # then the model is unloaded
_WORK_BYTES: Final = (
    2 << 30
)  # what a picture takes on its way through the model, and the device's own share of a process

_FAULTS: Final = MappingProxyType(
    {
        WorkerFault.LOAD_FAILED: EditorFault.NOT_LOADED,
        WorkerFault.OUT_OF_MEMORY: EditorFault.OUT_OF_MEMORY,
    }
)


class FluxImageEditor:
    """An `ImageEditor`. It is loaded to where it was told to be placed last.

    `unload` and `close` block until the process is gone.
    """

    def __init__(self, files: FluxFiles, start: Callable[[WorkerSpec], TorchWorker]) -> None:
        self._files = files
        self._worker = PlacedWorker(start, self._spec)

    def status(self) -> EditorStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return EditorMissing(missing)
        memory = ModelMemory(self._files.size(), _WORK_BYTES, placement=self._worker.placement)
        return EditorReady(self._files.model_id, self._worker.is_loaded, memory)

    def place(self, placement: Placement) -> None:
        self._worker.place(placement)

    async def prepare(self) -> None:
        await self._ask("prepare", None, lambda _: None)

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        payload: Plain = {
            "instruction": order.instruction,
            "width": order.width,
            "height": order.height,
            "rng_seed": order.rng_seed,
            "reference": order.reference,
        }
        answer = await self._ask("make", payload, on_progress)
        if not isinstance(answer, bytes):
            raise ImageEditorError(EditorFault.FAILED, "The image model gave no picture.")
        return answer

    def unload(self) -> None:
        self._worker.unload()

    def close(self) -> None:
        self._worker.close()

    async def _ask(self, method: str, payload: Plain, on_progress: Callable[[float], None]) -> Plain:
        events, worker = asyncio.get_running_loop(), self._usable_worker()

        def report(progress: Plain) -> None:
            if isinstance(progress, float):
                events.call_soon_threadsafe(on_progress, progress)

        try:
            return await asyncio.wrap_future(
                worker.submit(method, payload, timeout_s=_MAKE_LIMIT_S, on_progress=report)
            )
        except TorchWorkerError as error:
            raise ImageEditorError(_FAULTS.get(error.fault, EditorFault.FAILED), str(error)) from error

    def _usable_worker(self) -> TorchWorker:
        """The one that holds the model, or is about to."""
        missing = self._files.what_is_missing()
        if missing is not None:
            raise ImageEditorError(EditorFault.NOT_LOADED, missing)
        worker = self._worker.get()
        if worker is None:
            raise ImageEditorError(EditorFault.NOT_LOADED, "Nothing says where the image model is to be loaded.")
        return worker

    def _spec(self, placement: Placement) -> WorkerSpec:
        return WorkerSpec(
            name="image model",
            factory="services.image_editor.flux_service:build_flux_service",
            options={
                "folder": str(self._files.folder),
                "placement": placement,
                "threads": 1,
                "quant": self._files.quant,
            },
            idle_s=_IDLE_S,
        )
