"""How fast the DIAMOND runtime plays here: `python -m benchmarks.diamond [--toy]`.

A model of full size with random weights is written to a temporary folder (1.5 GB) and played from there: what a step
takes does not depend on what the weights have learnt. Nothing is fetched. It takes about a minute on a graphics card.

`--toy` plays a toy on the processor, to see that the benchmark runs.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch
import yaml

from engines.diamond import FAST, FULL, Action, DivergedError, LoadOptions, load_diamond
from engines.diamond.config import AGENT_FILE, ENV_FILE, read_config
from engines.diamond.loading import WEIGHTS_FILE, published_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.diamond import DiamondModel, Picture, WorldState

_FPS: Final = 15.0  # of the model
_MIB: Final = 1 << 20
_ACTION: Final = Action(frozenset({"W"}), mouse_right=20.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """`device` plays the full model; without one it is the toy."""

    device: str | None
    worlds: tuple[int, ...] = (1, 2, 4, 8)
    frames: int = 12


@dataclass(frozen=True, slots=True)
class Played:
    loaded_s: float
    peak_bytes: int
    frame_ms: dict[int, float]  # by the number of worlds


@dataclass(slots=True)
class Results:
    """`apart` is how many levels the first small picture in bf16 is from that in float32, on the mean."""

    machine: str
    plays: dict[str, Played] = field(default_factory=dict[str, Played])
    apart: float = math.nan


def run(plan: Plan) -> Results:
    results, device = Results(_machine(plan)), plan.device or "cpu"
    ways = {
        f"{sampling.name}, {name}": LoadOptions(device=device, dtype=dtype, sampling=sampling)
        for sampling in (FULL, FAST)
        for name, dtype in (("bf16", torch.bfloat16), ("float32", torch.float32))
    }
    firsts: list[Picture] = []
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder), device, is_toy=plan.device is None)
        for name, options in ways.items():
            played, first = _play(Path(folder), options, plan)
            results.plays[name] = played
            firsts.append(first)
    results.apart = float(np.abs(firsts[0].astype(float) - firsts[1]).mean())
    return results


def _play(folder: Path, options: LoadOptions, plan: Plan) -> tuple[Played, Picture]:
    """What was measured, and the first small picture."""
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    before = time.perf_counter()
    model = load_diamond(folder, options)
    loaded = time.perf_counter() - before
    seed = np.random.default_rng(0).integers(0, 256, (model.config.height, model.config.width, 3), dtype=np.uint8)
    first = _stepped(model, [model.begin(seed, rng_seed=0)])[0].small[-1]
    took = {
        count: _frame_ms(model, [model.begin(seed, rng_seed=at) for at in range(count)], plan.frames)
        for count in plan.worlds
    }
    peak = torch.cuda.max_memory_allocated() if options.device == "cuda" else 0
    return Played(loaded, peak, took), first


def _frame_ms(model: DiamondModel, states: Sequence[WorldState], frames: int) -> float:
    """Median of steps of all worlds together. Frames are in host memory after each."""
    times: list[float] = []
    for _ in range(frames + 2):
        before = time.perf_counter()
        states = _stepped(model, states)
        times.append(1e3 * (time.perf_counter() - before))
    return float(np.median(times[2:]))


def _stepped(model: DiamondModel, states: Sequence[WorldState]) -> list[WorldState]:
    made = model.step(states, [_ACTION] * len(states))
    return [state for state in made if not isinstance(state, DivergedError)]


def write_model(folder: Path, device: str, *, is_toy: bool) -> None:
    """Every part of the networks matters to what comes out."""
    for name, told in ((AGENT_FILE, _agent(is_toy=is_toy)), (ENV_FILE, _env(is_toy=is_toy))):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(yaml.safe_dump(told), encoding="utf-8")
    random = torch.Generator(device).manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=random, device=device).cpu() / math.sqrt(max(1, math.prod(shape[1:])))
        for name, shape in published_shapes(read_config(folder)).items()
    }
    (folder / WEIGHTS_FILE).parent.mkdir()
    torch.save(tensors, folder / WEIGHTS_FILE)


def _agent(*, is_toy: bool) -> dict[str, Any]:
    """The published sizes."""
    condition, levels = (64, 2) if is_toy else (2048, 4)

    def part(channels: list[int], attention: list[int], past: int, factor: int | None) -> dict[str, Any]:
        sizes = {"depths": [2] * levels, "channels": channels[:levels], "attn_depths": attention[-levels:]}
        inner = {"img_channels": 3, "num_steps_conditioning": past, "cond_channels": condition, **sizes}
        levels_of_noise = {"sigma_data": 0.5, "sigma_offset_noise": 0.1, "noise_previous_obs": factor is None}
        return {**levels_of_noise, "upsampling_factor": factor, "inner_model": inner}

    return {
        "denoiser": part([32, 64] if is_toy else [128, 256, 512, 1024], [0, 0, 1, 1], 4, None),
        "upsampler": part([32, 32] if is_toy else [64, 64, 128, 256], [0, 0, 0, 1], 1, 5),
    }


def _env(*, is_toy: bool) -> dict[str, Any]:
    return {"train": {"size": [10, 20] if is_toy else [150, 280]}, "num_actions": 51}


def _machine(plan: Plan) -> str:
    if plan.device is None:
        return f"a toy on the processor, torch {torch.__version__}"
    card: Any = cast("Any", torch.cuda).get_device_properties(0)
    return f"{card.name}, {card.total_memory / (1 << 30):.0f} GiB, torch {torch.__version__}"


def render(results: Results) -> str:
    lines = [f"DIAMOND CS:GO with random weights, on {results.machine}.", ""]
    lines += [
        "| steps, precision | worlds | ms a frame | frames/s each | real time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, played in results.plays.items():
        for count, took in played.frame_ms.items():
            rate = 1e3 / took
            lines.append(f"| {name} | {count} | {took:.1f} | {rate:.1f} | {'yes' if rate >= _FPS else 'no'} |")
    lines += ["", "| | loaded, s | peak, MiB |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {played.loaded_s:.1f} | {played.peak_bytes / _MIB:.0f} |" for name, played in results.plays.items()
    ]
    lines += ["", f"A first picture in bf16 is {results.apart:.2f} of 255 levels from that in float32, on the mean."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--toy", action="store_true", help="a toy on the processor, to see that this runs")
    told = parser.parse_args()
    if not told.toy and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; --toy runs on the processor")
    if told.toy:
        torch.set_num_threads(1)  # it is too small to be shared
    print(render(run(Plan(None if told.toy else "cuda"))))


if __name__ == "__main__":
    main()
