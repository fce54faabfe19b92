"""Progress and cancelling of one film inside the worker's process, and how long its stages take."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy.typing as npt

    from services.torch_worker.worker_service import Job
    from services.video_pipeline.video_pipeline import FilmStage

_PREVIEW_SIDE = 320  # pixels


class Watch:
    """`check` raises where the film was cancelled: it is called in each block of the transformer and each tile."""

    def __init__(self, job: Job) -> None:
        self.check: Callable[[], None] = job.check
        self.timings: dict[str, float] = {}
        self._job = job

    @contextmanager
    def stage(self, stage: FilmStage, steps: int = 1) -> Generator[None]:
        self.check()
        self.tell(stage, 0, steps)
        begun = time.perf_counter()
        yield
        self.timings[str(stage)] = self.timings.get(str(stage), 0.0) + time.perf_counter() - begun
        if steps == 1:
            self.tell(stage, 1, 1)

    def tell(self, stage: FilmStage, step: int, steps: int, preview: bytes | None = None) -> None:
        self._job.report({"stage": str(stage), "step": step, "steps": steps, "preview": preview})

    @contextmanager
    def inside(self, *modules: Any) -> Generator[None]:
        """Within the block, these look out for a cancel whenever they are called."""

        def look(_module: Any, _args: Any) -> None:
            self.check()

        hooks = [module.register_forward_pre_hook(look) for module in modules]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def preview_of(frame: npt.NDArray[np.uint8]) -> bytes:
    """A small JPEG."""
    height, width = frame.shape[:2]
    scale = min(1.0, _PREVIEW_SIDE / max(height, width))
    small = cv2.resize(frame, (max(1, round(width * scale)), max(1, round(height * scale))))
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, 80))
    return jpeg.tobytes()
