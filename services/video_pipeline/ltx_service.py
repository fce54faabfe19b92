"""LTX-2 inside its worker's process: an order in, an MP4 file on the disk."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import structlog
import torch
from diffusers.utils.logging import disable_progress_bar

from services.child_process.child_main import import_function
from services.local_models.loading import loading
from services.video_pipeline import _film_material as material
from services.video_pipeline._film_file import FilmFile, FilmWriteError, move_whole, write_sound
from services.video_pipeline._lora import loras_loaded
from services.video_pipeline._ltx_models import LtxModels
from services.video_pipeline._order_payload import order_from_plain
from services.video_pipeline._recipes import Made, Recipes
from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline._seams import SEAM_FRAMES, fading_from, fading_into, turning_from, turning_into
from services.video_pipeline._watch import Watch
from services.video_pipeline.film_order import Controlled, LoraUse
from services.video_pipeline.video_pipeline import FilmStage, VideoFault
from services.video_reader.source_media import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from runtime_config.authoring_config import Quantisation
    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job
    from services.video_pipeline.film_order import FilmOrder
    from services.world_engine.depth.depth import DepthEstimator

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_SOUND = "sound.wav"
_FILM = "film.mp4"


class LtxService:
    """A `WorkerService`. `make` takes an order and a folder for what is unfinished; `prepare` does no more than load.

    What is refused is answered as a value with its kind, so that the server need not guess it from words.
    """

    def __init__(self, folder: str, placement: str, threads: int, quant: Quantisation) -> None:
        torch.set_num_threads(threads)
        disable_progress_bar()  # nobody watches the standard error of a server
        self._models = LtxModels(folder, placement, quant)
        self._depth: DepthEstimator | None = None

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        if method == "prepare":
            return None
        told = cast("Mapping[str, Any]", payload)
        try:
            return self._make(order_from_plain(told["order"]), told, Watch(job))
        except FilmRefusedError as error:
            return _refused(error.fault, str(error))
        except SourceError as error:
            return _refused(VideoFault.SOURCE_UNUSABLE, str(error))
        except FilmWriteError as error:
            return _refused(VideoFault.DISK_FULL if error.is_full else VideoFault.FAILED, str(error))
        except BaseException:  # cancelled, out of memory, or anything that a library raises
            _give_back()
            raise

    def _make(self, order: FilmOrder, told: Mapping[str, Any], watch: Watch) -> Plain:
        work, upscaler = Path(told["work"]), told["upscaler"]
        loras = order.loras
        if isinstance(order.way, Controlled) and order.way.lora is not None:
            loras = (LoraUse(order.way.lora), *loras)
        with loras_loaded(self._models.pipeline, loras):
            recipes = Recipes(
                self._models,
                order,
                watch,
                None if upscaler is None else Path(upscaler),
                lambda: self._depth_of(told["depth"]),
            )
            made = recipes.make(told["prompt"])
        with watch.stage(FilmStage.DECODING), watch.inside(self._models.pipeline.vae.decoder):
            frames = None if made.latents is None else self._models.decode_frames(made.latents).numpy()
            sound = self._sound(made, order)
        with watch.stage(FilmStage.WRITING):
            count = self._write(made, order, frames, sound, work, watch)
            move_whole(work / _FILM, Path(told["target"]))
        return {"frames": count, "has_sound": sound is not None, "timings": watch.timings}

    def _depth_of(self, make: str | None) -> DepthEstimator:
        """Made when it is first needed, and kept: it is small."""
        if self._depth is not None:
            return self._depth
        assert make is not None  # the specs refuse such an order without one
        try:
            depth: DepthEstimator = import_function(make)()
        except Exception as error:
            raise FilmRefusedError(VideoFault.CANNOT, "The network that finds depth cannot be loaded.") from error
        self._depth = depth
        return depth

    def _sound(self, made: Made, order: FilmOrder) -> npt.NDArray[np.float32] | None:
        """Samples of the whole film, as long as its frames; None: it is silent."""
        rate, parts = self._models.sound_rate, (made.before, made.retaken, made.after)
        sources = [part for part in parts if part is not None]
        if made.sound is None and not any(material.has_sound(part.path) for part in sources):
            return None
        before = None if made.before is None else material.sound_of_part(made.before, order, rate)
        after = None if made.after is None else material.sound_of_part(made.after, order, rate)
        if made.sound is None:
            new = None if made.retaken is None else material.sound_of_part(made.retaken, order, rate)
        elif isinstance(made.sound, torch.Tensor):
            begin, end = (round(at / order.fps * rate) for at in (made.begin, made.end))
            decoded = self._models.decode_sound(made.sound)
            new = material.fitted(material.fitted(decoded, end)[:, begin:], end - begin)
            if made.is_blended:
                seam = round(SEAM_FRAMES / order.fps * rate)
                before = None if before is None else fading_into(before, decoded[:, max(0, begin - seam) : begin])
                after = None if after is None else fading_from(after, decoded[:, end : end + seam])
        else:
            new = made.sound
        return np.concatenate([piece for piece in (before, new, after) if piece is not None], axis=1)

    def _write(
        self,
        made: Made,
        order: FilmOrder,
        frames: npt.NDArray[np.uint8] | None,
        sound: npt.NDArray[np.float32] | None,
        work: Path,
        watch: Watch,
    ) -> int:
        if sound is not None:
            write_sound(work / _SOUND, sound, self._models.sound_rate)
        film = FilmFile(
            work / _FILM,
            width=order.width,
            height=order.height,
            fps=order.fps,
            sound=None if sound is None else work / _SOUND,
            notes=order.notes,
        )
        try:
            for frame in _all_frames(made, order, frames):
                watch.check()
                film.write((frame,))
            film.close()
        finally:
            film.abandon()
        return film.frames


def _all_frames(made: Made, order: FilmOrder, frames: npt.NDArray[np.uint8] | None) -> Iterator[npt.NDArray[np.uint8]]:
    nothing = np.empty((0, order.height, order.width, 3), np.uint8)
    seen = frames if frames is not None and made.is_blended else nothing
    if made.before is not None:
        part = material.frames_of_part(made.before, order)
        yield from turning_into(
            part, made.before.end - made.before.begin, seen[max(0, made.begin - SEAM_FRAMES) : made.begin]
        )
    if frames is not None:
        yield from frames[made.begin : made.end]
    elif made.retaken is not None:
        yield from material.frames_of_part(made.retaken, order)
    if made.after is not None:
        part = material.frames_of_part(made.after, order)
        yield from turning_from(part, seen[made.end : made.end + SEAM_FRAMES])


def _refused(fault: VideoFault, message: str) -> Plain:
    return {"fault": str(fault), "message": message}


def _give_back() -> None:
    """What a film took that failed, so that the next one finds it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def build_ltx_service(folder: str, placement: str, threads: int, quant: Quantisation = "none") -> LtxService:
    with loading("video model", placement):
        service = LtxService(folder, placement, threads, quant)
    logger.info("The video model is loaded", placement=placement, quant=quant)
    return service
