"""Films without a model: a colour that follows from the seed, with a tone, in a real MP4 file."""

from __future__ import annotations

import asyncio
import colorsys
import io
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import Image

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_pipeline.film_checks import refusal_of
from services.video_pipeline.film_order import Camera, Control, WayName
from services.video_pipeline.video_pipeline import FilmProgress, FilmStage, MadeFilm, VideoFault, VideoPipelineError
from services.video_pipeline.video_specs import CameraSpec, FilmSize, ModelMissing, ModelReady, VideoSpecs
from tests.fakes.fake_device import FakeOutOfMemoryError
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.video_pipeline.film_order import FilmOrder
    from tests.fakes.fake_device import FakeModelOnDevice

STEPS: Final = 4
FAKE_VIDEO_SPECS: Final = VideoSpecs(
    model="fake/films",
    revision="f" * 40,
    licence="Apache-2.0",
    readiness=ModelReady(),
    sizes=(FilmSize("tiny", 128, 64), FilmSize("540p", 960, 544)),
    rates=(24.0, 24000 / 1001, 25.0, 30.0),
    ways=MappingProxyType(dict.fromkeys(WayName)),
    cameras=tuple(CameraSpec(camera, "words") for camera in Camera),
    steps=STEPS,
    controls=MappingProxyType(
        {Control.EDGES: None, Control.DEPTH: None, Control.POSE: "Nothing here finds poses.", Control.AS_IS: None}
    ),
    own_controls=(Control.EDGES,),
)
_STAGES: Final = (
    (FilmStage.LOADING, 1),
    (FilmStage.ENCODING, 1),
    (FilmStage.DENOISING, STEPS),
    (FilmStage.DECODING, 1),
    (FilmStage.WRITING, 1),
)
_PREVIEW_SIZE: Final = (32, 16)


class FakeVideoPipeline:
    """A `FastVideoPipeline`. While `hold` was called, `make` waits after its second step, until `release`.

    `cancelled` counts the orders that were given up. `fail` is raised after the last step; `lacks` is why nothing
    can be made. `model` takes memory for it.
    """

    def __init__(self, *, specs: VideoSpecs = FAKE_VIDEO_SPECS, model: FakeModelOnDevice | None = None) -> None:
        self._specs = specs
        self._model = model
        self._turn = asyncio.Lock()
        self._is_free = threading.Event()
        self._is_free.set()
        self.fail: VideoPipelineError | None = None
        self.lacks: str | None = None
        self.orders: list[FilmOrder] = []
        self.entered = threading.Event()
        self.cancelled = 0
        self._unloads = 0

    def hold(self) -> None:
        self._is_free.clear()
        self.entered.clear()

    def release(self) -> None:
        self._is_free.set()

    def wait_until_held(self) -> None:
        if not self.entered.wait(deadline_s()):
            raise AssertionError("No film came to be held.")

    def specs(self) -> VideoSpecs:
        if self.lacks is not None:
            return replace(self._specs, readiness=ModelMissing(self.lacks))
        is_loaded = self._model is not None and self._model.is_loaded
        return replace(self._specs, readiness=ModelReady(is_loaded))

    def needs(self, order: FilmOrder | None = None) -> ModelMemory | None:
        del order
        return None if self._model is None else self._model.memory

    def place(self, placement: Placement) -> None:
        if self._model is not None:
            self._model.place(placement)

    async def prepare(self) -> None:
        await asyncio.sleep(0)
        if self.lacks is not None:
            raise VideoPipelineError(VideoFault.NOT_PULLED, self.lacks)
        if self._model is not None:
            try:
                self._model.load()
            except FakeOutOfMemoryError as error:
                raise VideoPipelineError(VideoFault.OUT_OF_MEMORY, str(error)) from error

    async def make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        async with self._turn:
            self.orders.append(order)
            try:
                return await self._make(order, target, on_progress)
            except FakeOutOfMemoryError as error:
                raise VideoPipelineError(VideoFault.OUT_OF_MEMORY, str(error)) from error
            except asyncio.CancelledError:
                self.cancelled += 1
                raise

    def unload(self) -> None:
        self._unloads += 1
        if self._model is not None:
            self._model.unload()

    def close(self) -> None:
        self.unload()

    async def _make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        await self.prepare()
        refusal = refusal_of(order, self._specs)
        if refusal is not None:
            raise VideoPipelineError(VideoFault.CANNOT, refusal)
        unloads = self._unloads
        with nullcontext() if self._model is None else self._model.working():
            for stage, steps in _STAGES:
                for step in range(steps + 1):
                    preview = _preview() if order.previews and stage is FilmStage.DENOISING and step else None
                    on_progress(FilmProgress(stage, step, steps, preview))
                    await self._wait_if_held(stage, step, unloads)
        if self.fail is not None:
            raise self.fail
        await _write(order, target)
        return MadeFilm(
            path=target,
            frames=order.frames,
            width=order.width,
            height=order.height,
            fps=order.fps,
            seconds=order.frames / order.fps,
            has_sound=True,
            model=self._specs.model,
            revision=self._specs.revision,
            placement="cpu",
            timings=MappingProxyType({stage: 0.01 for stage, _ in _STAGES}),
        )

    async def _wait_if_held(self, stage: FilmStage, step: int, unloads: int) -> None:
        await asyncio.sleep(0)  # as the real one, which is elsewhere
        self._check_loaded(unloads)
        if stage is not FilmStage.DENOISING or step != STEPS // 2:
            return
        self.entered.set()
        give_up_at = time.monotonic() + deadline_s()  # by the machine's clock, whatever the event loop's says
        while not self._is_free.is_set():
            if time.monotonic() > give_up_at:
                raise AssertionError("The test never let go of the film.")
            await asyncio.sleep(0.005)
            self._check_loaded(unloads)

    def _check_loaded(self, unloads: int) -> None:
        if self._unloads != unloads:
            raise VideoPipelineError(VideoFault.WORKER_DIED, "The model was unloaded.")


async def _write(order: FilmOrder, target: Path) -> None:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(order.seed % 360 / 360, 0.8, 0.8))
    picture = f"color=c=0x{red:02x}{green:02x}{blue:02x}:size={order.width}x{order.height}:rate={order.fps!r}"
    part = target.with_name(f".{target.name}.part")
    process = await asyncio.create_subprocess_exec(
        *(str(bundled_ffmpeg()), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", picture),
        *("-f", "lavfi", "-i", f"sine=frequency={220 + order.seed % 440}:duration={order.frames / order.fps!r}"),
        *("-frames:v", str(order.frames), "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
        *("-flags:a", "+bitexact", "-map_metadata", "-1"),
        *(word for name, text in order.notes.items() for word in ("-metadata", f"{name}={text}")),
        *("-movflags", "+faststart", "-f", "mp4", "-y", str(part)),
    )
    try:
        if await process.wait() != 0:
            raise VideoPipelineError(VideoFault.FAILED, "The film could not be written.")
        part.replace(target)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        part.unlink(missing_ok=True)


def _preview() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", _PREVIEW_SIZE, (90, 120, 150)).save(file, "JPEG")
    return file.getvalue()
