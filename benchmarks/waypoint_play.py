"""One measurement of `benchmarks.waypoint`, in a process of its own: a plan comes in, what was measured goes out."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engines.parking import park
from engines.waypoint import Control, LoadOptions, WorldBatch, WorldState, load_waypoint

if TYPE_CHECKING:
    from engines.waypoint import WaypointModel, World

_CONTROL = Control(frozenset({0x57}), mouse_dx=2.0)


@dataclass(frozen=True, slots=True)
class PlayPlan:
    """`speed`: whether it is compiled and captured; `cudnn`: what computes attention; `worlds`: sizes of batches."""

    folder: str
    device: str
    speed: bool
    quantisation: str
    cudnn: bool
    worlds: tuple[int, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class ParityPlan:
    """The same latents with other options, against float32."""

    folder: str
    device: str
    latents: int


def play(plan: PlayPlan, started: float) -> dict[str, Any]:
    """Seconds, bytes, and milliseconds a step by the number of worlds. `started`: Unix time."""
    model = _load(plan)
    loaded = time.time() - started
    world = _opened(WorldBatch(model))
    world.generate(_CONTROL)
    first_frames = time.time() - started
    _fill(world, model)
    peak = torch.cuda.max_memory_allocated() if model.device.type == "cuda" else 0
    memory = memoryview(bytearray(world.state().size))
    world.state().write(memory)  # which touches the memory, as the server has its own touched before
    snapshot_ms, _ = _timed(model, lambda: world.state().detached().write(memory))
    state = WorldState.from_bytes(memory)
    restore_ms, _ = _timed(model, lambda: world.restore(state))
    steps = {str(count): _step_ms(model, state, count, plan.steps) for count in plan.worlds}
    park_ms, parked = _timed(model, lambda: park(model.tensors()))
    resume_ms, _ = _timed(model, parked.resume)
    return {
        "loaded_s": loaded,
        "first_frames_s": first_frames,
        "peak_bytes": peak,
        "snapshot_bytes": state.nbytes,
        "snapshot_ms": snapshot_ms,
        "restore_ms": restore_ms,
        "park_ms": park_ms,
        "resume_ms": resume_ms,
        "frames": model.frames_per_latent,
        "step_ms": steps,
    }


def parity(plan: ParityPlan) -> dict[str, list[float]]:
    """Relative root mean square of each latent's difference, by what is different."""
    exact = _latents(plan, dtype=torch.float32)
    options: dict[str, dict[str, Any]] = {"bf16": {}, "float32, exact constants": {"dtype": torch.float32}}
    options["float32, exact constants"]["constants"] = "exact"
    if plan.device == "cuda":
        options["bf16, compiled and captured"] = {"compile": True, "cuda_graphs": True}
    return {name: _distances(_latents(plan, **chosen), exact) for name, chosen in options.items()}


def _load(plan: PlayPlan) -> WaypointModel:
    options: dict[str, Any] = {"quantisation": plan.quantisation, "cudnn_attention": plan.cudnn}
    options |= {"compile": plan.speed, "cuda_graphs": plan.speed}
    folder = Path(plan.folder)
    return load_waypoint(folder, folder / "vae", LoadOptions(device=plan.device, **options))


def _opened(batch: WorldBatch) -> World:
    world = batch.open(rng_seed=1)
    world.append(np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8))
    return world


def _fill(world: World, model: WaypointModel) -> None:
    """Until every ring is full, and what is captured then has been."""
    config = model.config
    for _ in range(max(config.local_window, config.global_window) + 2 * config.global_pinned_dilation):
        world.generate(_CONTROL)


def _step_ms(model: WaypointModel, state: Any, count: int, steps: int) -> float:
    """Median of steps of so many worlds, which are one latent apart from each other, as those of players are."""
    batch = WorldBatch(model, count)
    worlds = [batch.open() for _ in range(count)]
    for age, world in enumerate(worlds):
        world.restore(state)
        for _ in range(age % model.config.global_pinned_dilation):
            world.generate(_CONTROL)
    controls = [_CONTROL] * count
    for _ in range(2 * model.config.global_pinned_dilation):
        batch.generate(worlds, controls)
    _wait(model)
    times: list[float] = []
    for _ in range(steps):
        before = time.perf_counter()
        batch.generate(worlds, controls)
        times.append(1e3 * (time.perf_counter() - before))
    return float(np.median(times))


def _timed(model: WaypointModel, call: Any) -> tuple[float, Any]:
    _wait(model)
    before = time.perf_counter()
    result = call()
    _wait(model)
    return 1e3 * (time.perf_counter() - before), result


def _wait(model: WaypointModel) -> None:
    if model.device.type == "cuda":
        torch.cuda.synchronize()


def _latents(plan: ParityPlan, **options: Any) -> list[torch.Tensor]:
    folder = Path(plan.folder)
    model = load_waypoint(folder, folder / "vae", LoadOptions(device=plan.device, **options))
    world, made = _opened(WorldBatch(model)), list[torch.Tensor]()
    for _ in range(plan.latents):
        world.generate(_CONTROL)
        if world.latent is not None:
            made.append(world.latent.float().cpu())
    return made


def _distances(made: list[torch.Tensor], exact: list[torch.Tensor]) -> list[float]:
    pairs = zip(made, exact, strict=True)
    return [float((one - other).pow(2).mean().sqrt() / other.pow(2).mean().sqrt()) for one, other in pairs]


def as_argument(plan: PlayPlan | ParityPlan) -> str:
    """What the process is started with, at this very moment."""
    return json.dumps({"kind": type(plan).__name__, "started": time.time(), **asdict(plan)})


def _main() -> None:
    told = json.loads(sys.argv[1])
    torch.backends.cudnn.benchmark = True
    kind, started = told.pop("kind"), told.pop("started")
    print(json.dumps(play(PlayPlan(**told), started) if kind == "PlayPlan" else parity(ParityPlan(**told))))


if __name__ == "__main__":
    _main()
