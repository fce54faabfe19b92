"""The local image model, in a worker's process of its own: a crash of it costs a picture, not a verdict or a world."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from services.image_editor.image_editor import (
    EditorFault,
    EditorMissing,
    EditorReady,
    EditorStatus,
    ImageEditorError,
)
from services.image_editor.memory_plan import FreeMemory, MemoryPlan, NoRoom, Offloaded, OnCpu, Resident, plan_memory
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerFault,
    WorkerReady,
    WorkerSpec,
    WorkerStopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.runtime_config import LocalImages
    from services.image_editor.flux_files import FluxFiles
    from services.image_editor.image_editor import PictureOrder
    from services.torch_worker.torch_worker import TorchWorker

_MAKE_LIMIT_S: Final = 900.0  # whoever waits has a shorter one
_IDLE_S: Final = 600.0  # then the model is unloaded

_FAULTS: Final = {
    WorkerFault.LOAD_FAILED: EditorFault.NOT_LOADED,
    WorkerFault.OUT_OF_MEMORY: EditorFault.OUT_OF_MEMORY,
}


class FluxImageEditor:
    """An `ImageEditor`. Where the model lives is decided anew whenever it is loaded. `free` asks the machine.

    `close` blocks until the process is gone.
    """

    def __init__(
        self,
        files: FluxFiles,
        asked: LocalImages,
        free: Callable[[], FreeMemory],
        start: Callable[[WorkerSpec], TorchWorker] = ProcessTorchWorker,
    ) -> None:
        self._files = files
        self._asked: LocalImages = asked
        self._free = free
        self._start = start
        self._worker: TorchWorker | None = None
        self._plan: MemoryPlan | None = None

    def status(self) -> EditorStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return EditorMissing(missing)
        is_loaded = self._worker is not None and isinstance(self._worker.status(), WorkerReady)
        plan = self._plan if is_loaded and self._plan is not None else self._plan_now()
        match plan:
            case NoRoom(reason):
                return EditorMissing(reason)
            case Resident(reason) | Offloaded(reason) | OnCpu(reason):
                return EditorReady(self._files.model_id, is_loaded, f"{_placement(plan)}: {reason}")

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

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    async def _ask(self, method: str, payload: Plain, on_progress: Callable[[float], None]) -> Plain:
        events, worker = asyncio.get_running_loop(), self._loaded_worker()

        def report(progress: Plain) -> None:
            if isinstance(progress, float):
                events.call_soon_threadsafe(on_progress, progress)

        try:
            return await asyncio.wrap_future(
                worker.submit(method, payload, timeout_s=_MAKE_LIMIT_S, on_progress=report)
            )
        except TorchWorkerError as error:
            raise ImageEditorError(_FAULTS.get(error.fault, EditorFault.FAILED), str(error)) from error

    def _loaded_worker(self) -> TorchWorker:
        """The one that holds the model, or a new one where there is room."""
        if self._worker is not None and not isinstance(self._worker.status(), WorkerStopped):
            return self._worker
        missing, plan = self._files.what_is_missing(), self._plan_now()
        if missing is not None:
            raise ImageEditorError(EditorFault.NOT_LOADED, missing)
        if isinstance(plan, NoRoom):
            raise ImageEditorError(EditorFault.OUT_OF_MEMORY, plan.reason)
        if self._worker is None or plan != self._plan:
            self._worker, self._plan = self._new_worker(_placement(plan)), plan
        return self._worker

    def _new_worker(self, placement: str) -> TorchWorker:
        spec = WorkerSpec(
            name="image model",
            factory="services.image_editor.flux_service:build_flux_service",
            options={"folder": str(self._files.folder), "placement": placement, "threads": 1},
            idle_s=_IDLE_S,
        )
        return self._start(spec)

    def _plan_now(self) -> MemoryPlan:
        return plan_memory(self._asked, self._files.size(), self._free())


def _placement(plan: Resident | Offloaded | OnCpu) -> str:
    match plan:
        case Resident():
            return "resident"
        case Offloaded():
            return "offloaded"
        case OnCpu():
            return "cpu"
