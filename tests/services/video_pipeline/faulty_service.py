"""The real service of the worker's process, which dies or runs out of memory where a test says so."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from services.video_pipeline.ltx_service import LtxService

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.authoring_config import Quantisation
    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job


class DyingService:
    """Kills its process when a stage begins, once: `mark` is a file that says that it has happened."""

    def __init__(self, service: LtxService, stage: str, mark: Path) -> None:
        self._service = service
        self._stage = stage
        self._mark = mark

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        return self._service.handle(method, payload, _DyingJob(job, self._stage, self._mark))


class _DyingJob:
    def __init__(self, job: Job, stage: str, mark: Path) -> None:
        self._job = job
        self._stage = stage
        self._mark = mark
        self.check = job.check

    def report(self, progress: Plain) -> None:
        self._job.report(progress)
        if cast("Mapping[str, Plain]", progress)["stage"] == self._stage:
            die_once(self._mark)


def die_once(mark: Path) -> None:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def build_dying(folder: str, placement: str, threads: int, quant: Quantisation, stage: str, mark: str) -> DyingService:
    if stage == "loading":
        die_once(Path(mark))
    return DyingService(LtxService(folder, placement, threads, quant), stage, Path(mark))


def build_small_device(folder: str, placement: str, threads: int, quant: Quantisation, fits: list[str]) -> LtxService:
    """On the CPU, wherever it is placed; in the third step it finds no memory unless its placement fits."""
    service = LtxService(folder, "cpu", threads, quant)
    calls = 0

    def limit(_module: Any, _args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    if placement not in fits:
        service._models.pipeline.transformer.register_forward_pre_hook(limit)  # pyright: ignore[reportPrivateUsage] - nothing else is there to run out of memory
    return service
