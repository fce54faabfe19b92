"""A film as a job of the pipeline against the bare call of diffusers, with the same tiny model on this processor.

    python -m benchmarks.video                    a tiny model, made for it
    python -m benchmarks.video --card             a full-size transformer with random weights on the graphics card
    python -m benchmarks.video --card --toy       the same path on the processor with the tiny one

The bare call ends with pixels in memory; ours ends with an MP4 file on the disk. Runs take turns, medians are told.
With `--card`: seconds a step and memory at 540p, 720p and 1080p of 121 frames, resident and offloaded, our way of
calling (what is kept, and a look for a cancel in each block) against the bare one in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec
    from services.video_pipeline.film_order import FilmOrder

_BARE: Final = """
import json, sys, time
import torch
from diffusers.pipelines.ltx2.pipeline_ltx2 import LTX2Pipeline
from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.utils.logging import disable_progress_bar
torch.set_num_threads(1)
disable_progress_bar()
pipeline = LTX2Pipeline.from_pretrained(sys.argv[1], dtype=torch.float32, local_files_only=True)
pipeline.register_modules(scheduler=FlowMatchEulerDiscreteScheduler.from_config(
    pipeline.scheduler.config, use_dynamic_shifting=False, shift=1.0, shift_terminal=None))
pipeline.vae.enable_tiling()
pipeline.set_progress_bar_config(disable=True)
print("ready", flush=True)
for line in sys.stdin:
    asked, begun = json.loads(line), time.perf_counter()
    pipeline(**asked, sigmas=list(DISTILLED_SIGMA_VALUES), num_inference_steps=8, guidance_scale=1.0, stg_scale=0.0,
        modality_scale=1.0, guidance_rescale=0.0, audio_guidance_scale=1.0, audio_stg_scale=0.0,
        audio_modality_scale=1.0, audio_guidance_rescale=0.0, spatio_temporal_guidance_blocks=None,
        generator=torch.Generator("cpu").manual_seed(1), output_type="np")
    print(time.perf_counter() - begun, flush=True)
"""
_SIZES: Final = ((128, 64, 25), (384, 256, 49), (768, 512, 49))


class Bare:
    """The call of diffusers in a process of its own, with the same one thread."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-c", _BARE, str(folder)]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet
        )
        self._read()

    def seconds(self, order: FilmOrder, prompt: str) -> float:
        assert self._process.stdin is not None
        asked = {
            "prompt": prompt,
            "width": order.width,
            "height": order.height,
            "num_frames": order.frames,
            "frame_rate": order.fps,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


async def _compare(folder: Path, runs: int) -> list[dict[str, Any]]:
    from services.torch_worker.process_torch_worker import ProcessTorchWorker
    from services.video_pipeline.film_order import FilmOrder, FromWords
    from services.video_pipeline.ltx_files import LtxFiles
    from services.video_pipeline.ltx_video_pipeline import LTXFastVideoPipeline

    def start(spec: WorkerSpec) -> TorchWorker:
        return ProcessTorchWorker(replace(spec, niceness=0))  # as the bare call has it

    ours, bare = LTXFastVideoPipeline(LtxFiles(Path("none"), folder), start), Bare(folder)
    rows: list[dict[str, Any]] = []
    ours.place("cpu")
    try:
        for width, height, frames in _SIZES:
            times: dict[str, list[float]] = {"ours": [], "bare": []}
            timings: list[dict[str, float]] = []
            for run in range(runs + 1):
                # Other words each time: neither side finds them in a cache.
                order = FilmOrder(FromWords(), f"A lighthouse, view {run}.", 1, width, height, frames, 24.0)
                with tempfile.TemporaryDirectory() as target:
                    begun = time.perf_counter()
                    film = await ours.make(order, Path(target) / "film.mp4", lambda _: None)
                    took = time.perf_counter() - begun
                bare_took = bare.seconds(order, order.prompt)
                if run:  # the first one warms up
                    times["ours"].append(took)
                    times["bare"].append(bare_took)
                    timings.append({str(stage): seconds for stage, seconds in film.timings.items()})
            row = {name: statistics.median(values) for name, values in times.items()}
            stages = {stage: round(statistics.median(each[stage] for each in timings), 3) for stage in timings[0]}
            rows.append({"size": f"{width}x{height}x{frames}", **row, "stages": stages})
    finally:
        ours.close()
        bare.close()
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--card", action="store_true")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args(arguments)
    if options.card:
        from benchmarks.video_card import measure_card

        measure_card(is_toy=options.toy)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "tests.services.video_pipeline.tiny_ltx", folder]
        offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, capture_output=True, env=offline)
        rows = asyncio.run(_compare(Path(folder), options.runs))
    print("| film | bare call, s | ours with queue and file, s | ratio | stages of ours, s |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        ratio = row["ours"] / row["bare"]
        print(f"| {row['size']} | {row['bare']:.3f} | {row['ours']:.3f} | {ratio:.2f} | {row['stages']} |")


if __name__ == "__main__":
    main()
