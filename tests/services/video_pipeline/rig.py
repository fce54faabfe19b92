"""The real pipeline with a tiny model, in a real worker's process on the CPU."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.video_pipeline.ltx_files import LtxFiles
from services.video_pipeline.ltx_video_pipeline import LTXFastVideoPipeline
from services.world_engine.depth.moss_source import moss_depth_source

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec


def start(spec: WorkerSpec) -> TorchWorker:
    """With the share of the processor that tests have: nobody plays beside them."""
    return ProcessTorchWorker(replace(spec, niceness=0))


@contextmanager
def pipeline_of(
    model: Path | None, cache: Path = Path("none"), start: Callable[[WorkerSpec], TorchWorker] = start
) -> Generator[LTXFastVideoPipeline]:
    pipeline = LTXFastVideoPipeline(LtxFiles(cache, model), start, depth=moss_depth_source())
    pipeline.place("cpu")
    try:
        yield pipeline
    finally:
        pipeline.close()


def workers() -> list[psutil.Process]:
    """The processes of models that this process has started."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found
