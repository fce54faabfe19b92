"""LTX-2 on this machine: films made in a worker's process, one after the other."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from services.local_models.local_model import LocalModel, ModelService
from services.local_models.model_error import ModelError
from services.torch_worker.torch_worker import TorchWorkerError, WorkerFault
from services.video_pipeline import ltx_specs
from services.video_pipeline._camera_words import camera_words
from services.video_pipeline._order_payload import order_to_plain
from services.video_pipeline.film_checks import refusal_of
from services.video_pipeline.film_order import Controlled, LoraUse
from services.video_pipeline.video_pipeline import FilmProgress, FilmStage, MadeFilm, VideoFault, VideoPipelineError
from services.video_pipeline.video_specs import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.torch_worker.torch_worker import Plain, TorchWorker, WorkerSpec
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.ltx_files import LtxFiles
    from services.video_pipeline.video_specs import VideoSpecs
    from services.world_engine.depth.depth import DepthSource

_LONGEST_S: Final = 6 * 3600.0  # for one film; whoever waits may have a shorter limit
_FAULTS: Final = MappingProxyType(
    {
        WorkerFault.LOAD_FAILED: VideoFault.NOT_PULLED,
        WorkerFault.OUT_OF_MEMORY: VideoFault.OUT_OF_MEMORY,
        WorkerFault.DIED: VideoFault.WORKER_DIED,
    }
)


class LTXFastVideoPipeline:
    """A `FastVideoPipeline`. The process ends by itself when nothing was made for a while.

    `asked` is the one place that the planner may choose, or auto for any on the device. `depth` finds the depth in
    sources that a film follows; None: nothing does.
    """

    def __init__(
        self,
        files: LtxFiles,
        start: Callable[[WorkerSpec], TorchWorker],
        *,
        asked: Placement | Literal["auto"] = "auto",
        depth: DepthSource | None = None,
    ) -> None:
        self._files = files
        self._depth = depth
        service = ModelService(
            name="video model",
            factory="services.video_pipeline.ltx_service:build_ltx_service",
            work_bytes=ltx_specs.usual_work(),
            call_limit_s=_LONGEST_S,
        )
        self._model = LocalModel(files, service, ModelError, start)
        self._placements: tuple[Placement, ...] = ("resident", "offloaded") if asked == "auto" else (asked,)
        self._placed: Placement | None = None
        self._turn = asyncio.Lock()

    def specs(self) -> VideoSpecs:
        why_no_depth = ltx_specs.NO_DEPTH if self._depth is None else self._depth.what_is_missing()
        return ltx_specs.specs_of(self._files, is_loaded=self._model.is_loaded, why_no_depth=why_no_depth)

    def needs(self, order: FilmOrder | None = None) -> ModelMemory | None:
        if self._files.what_is_missing() is not None:
            return None
        memory = replace(self._model.memory, placements=self._placements)
        return memory if order is None else replace(memory, work=ltx_specs.work_of(order))

    def place(self, placement: Placement) -> None:
        self._placed = placement
        self._model.place(placement)

    async def prepare(self) -> None:
        async with self._turn:
            await self._ask("prepare", None, None)

    async def make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        async with self._turn:
            specs = await asyncio.to_thread(self.specs)
            if isinstance(specs.readiness, ModelMissing):
                raise VideoPipelineError(VideoFault.NOT_PULLED, specs.readiness.reason)
            refusal = refusal_of(order, specs)
            if refusal is not None:
                raise VideoPipelineError(VideoFault.CANNOT, refusal)
            on_progress(FilmProgress(FilmStage.LOADING, 0, 1))
            work = await asyncio.to_thread(_work_folder, target.parent)
            try:
                return await self._make(order, specs, target, work, on_progress)
            finally:
                await asyncio.shield(asyncio.to_thread(shutil.rmtree, work, ignore_errors=True))

    def unload(self) -> None:
        self._model.unload()

    def close(self) -> None:
        self._model.close()

    async def _make(
        self,
        order: FilmOrder,
        specs: VideoSpecs,
        target: Path,
        work: Path,
        on_progress: Callable[[FilmProgress], None],
    ) -> MadeFilm:
        full, prompt = self._completed(order)
        payload: Plain = {
            "order": order_to_plain(full),
            "prompt": prompt,
            "work": str(work),
            "target": str(target),
            "depth": None if self._depth is None else self._depth.make,
            "upscaler": None if self._files.upscaler is None else str(self._files.upscaler),
        }
        try:
            answer = await self._ask("make", payload, on_progress)
        except VideoPipelineError as error:
            if error.fault is not VideoFault.OUT_OF_MEMORY:
                raise
            # The process may hold what it took. Its end gives back all of it.
            await asyncio.to_thread(self._model.unload)
            if self._placed != "resident":
                raise
            self.place("offloaded")
            answer = await self._retried(payload, on_progress)
        told = cast("Mapping[str, Any]", answer)
        if "fault" in told:
            raise VideoPipelineError(VideoFault(told["fault"]), told["message"])
        return MadeFilm(
            path=target,
            frames=told["frames"],
            width=order.width,
            height=order.height,
            fps=order.fps,
            seconds=told["frames"] / order.fps,
            has_sound=told["has_sound"],
            model=specs.model,
            revision=specs.revision,
            placement=self._model.memory.placement or self._placed or "cpu",
            timings=MappingProxyType({FilmStage(stage): seconds for stage, seconds in told["timings"].items()}),
        )

    async def _retried(self, payload: Plain, on_progress: Callable[[FilmProgress], None]) -> Plain:
        on_progress(FilmProgress(FilmStage.LOADING, 0, 1))
        try:
            return await self._ask("make", payload, on_progress)
        except VideoPipelineError as error:
            if error.fault is VideoFault.OUT_OF_MEMORY:
                await asyncio.to_thread(self._model.unload)
            raise

    def _completed(self, order: FilmOrder) -> tuple[FilmOrder, str]:
        """The order with the model's own LoRAs for what it asks, and the prompt with words where there are none."""
        prompt = order.prompt
        if order.camera is not None:
            lora = self._files.camera_lora(order.camera)
            if lora is None or self._files.why_no_loras() is not None:
                prompt = f"{prompt.rstrip()} {camera_words(order.camera)}"
            else:
                order = replace(order, loras=(*order.loras, LoraUse(lora)))
        way = order.way
        if isinstance(way, Controlled) and way.lora is None:
            order = replace(order, way=replace(way, lora=self._files.control_lora(str(way.control))))
        return order, prompt

    async def _ask(self, method: str, payload: Plain, on_progress: Callable[[FilmProgress], None] | None) -> Plain:
        events = asyncio.get_running_loop()

        def report(plain: Plain) -> None:
            if on_progress is not None:
                told = cast("Mapping[str, Any]", plain)
                progress = FilmProgress(FilmStage(told["stage"]), told["step"], told["steps"], told["preview"])
                events.call_soon_threadsafe(on_progress, progress)

        try:
            return await self._model.ask(method, payload, report)
        except ModelError as error:
            raise VideoPipelineError(VideoFault.NOT_PULLED, str(error)) from error
        except TorchWorkerError as error:
            raise VideoPipelineError(_FAULTS.get(error.fault, VideoFault.FAILED), str(error)) from error


def _work_folder(beside: Path) -> Path:
    """For what is unfinished, on the disk of the target so that the film can be moved there at once."""
    try:
        return Path(tempfile.mkdtemp(prefix=".film-", dir=beside))
    except OSError as error:
        raise VideoPipelineError(VideoFault.DISK_FULL, "The folder of films cannot be written to.") from error
