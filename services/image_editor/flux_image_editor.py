"""The local image model, FLUX.2 klein, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.image_editor.image_editor import EditorMissing, EditorReady, EditorStatus, ImageEditorError
from services.local_models.local_model import LocalModel, ModelService
from services.local_models.model_error import ModelFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.image_editor.flux_files import FluxFiles
    from services.image_editor.image_editor import PictureOrder
    from services.memory_planner.model_memory import Placement
    from services.torch_worker.torch_worker import Plain, TorchWorker, WorkerSpec

_SERVICE: Final = ModelService(
    name="image model",
    factory="services.image_editor.flux_service:build_flux_service",
    work_bytes=2 << 30,
)


class FluxImageEditor:
    """An `ImageEditor`. `unload` and `close` block until the model's process is gone."""

    def __init__(self, files: FluxFiles, start: Callable[[WorkerSpec], TorchWorker]) -> None:
        self._files = files
        self._model = LocalModel(files, _SERVICE, ImageEditorError, start)

    def status(self) -> EditorStatus:
        missing = self._files.what_is_missing()
        if missing is not None:
            return EditorMissing(missing)
        return EditorReady(self._files.model_id, self._model.is_loaded, self._model.memory)

    def place(self, placement: Placement) -> None:
        self._model.place(placement)

    async def prepare(self) -> None:
        await self._model.call("prepare", None)

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        payload: Plain = {
            "instruction": order.instruction,
            "width": order.width,
            "height": order.height,
            "rng_seed": order.rng_seed,
            "reference": order.reference,
        }
        answer = await self._model.call("make", payload, on_progress)
        if not isinstance(answer, bytes):
            raise ImageEditorError(ModelFault.FAILED, "The image model gave no picture.")
        return answer

    def unload(self) -> None:
        self._model.unload()

    def close(self) -> None:
        self._model.close()
