"""How fast the Waypoint runtime plays here: `python -m benchmarks.waypoint [--minutes N] [--toy]`.

Models of full size with random weights are written to a temporary folder (4 GB) and played from there: what a step
takes does not depend on what the weights have learnt. Each line is measured in a process of its own, so that a start is
one. Nothing is fetched. Where the minutes end, what is left is left out and named.

`--toy` plays a toy on the processor, to see that the benchmark runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch

from benchmarks.waypoint_models import toy, waypoint_1_5, write_models
from benchmarks.waypoint_play import ParityPlan, PlayPlan, as_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

_FPS: Final = 60.0  # of the model
_BOUND_MS: Final = 10.3  # a latent at 720p in bf16 on an H100, by its peak rates
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`device` plays full models; without one it is the toy."""

    device: str | None
    minutes: float = 7.5
    worlds: tuple[int, ...] = (1, 2, 4, 8)
    steps: int = 24


_DEFAULTS: Final = Plan(None)


@dataclass(slots=True)
class Results:
    machine: str
    plays: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    parity: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    left_out: list[str] = field(default_factory=list[str])
    kernels_kept: bool = False  # by an earlier run, so that its first start is none


def run(plan: Plan) -> Results:
    """Measure what the minutes allow, the most telling first."""
    deadline = time.monotonic() + 60.0 * plan.minutes
    results = Results(_machine(plan))
    with tempfile.TemporaryDirectory() as folder:
        device = plan.device or "cpu"
        sizes = {"720p": waypoint_1_5(16, 32), "360p": waypoint_1_5(8, 16)} if plan.device else {"toy": toy()}
        write_models(Path(folder) / "models", sizes, device)
        caches = _kernels(Path(folder))
        results.kernels_kept = any(Path(kept).is_dir() for kept in caches.values())
        for name, one in _measurements(plan, Path(folder) / "models", list(sizes)):
            told = _measure(one, caches, deadline - time.monotonic())
            if isinstance(told, str):
                results.left_out.append(f"{name}: {told}")
            elif isinstance(one, PlayPlan):
                results.plays[name] = told
            else:
                results.parity = told
    return results


def _measurements(plan: Plan, folder: Path, sizes: list[str]) -> Iterator[tuple[str, PlayPlan | ParityPlan]]:
    device = plan.device or "cpu"

    def of(size: str, *worlds: int, speed: bool = True, kind: str = "none", cudnn: bool = False) -> PlayPlan:
        return PlayPlan(str(folder / size), device, speed, kind, cudnn, worlds or plan.worlds, plan.steps)

    for size in sizes if plan.device else ():
        yield f"{size}, compiled, first start", of(size)
    yield "parity", ParityPlan(str(folder / sizes[-1]), device, 15)
    for size in sizes:
        yield f"{size}, as it is", of(size, plan.worlds[0], speed=False)
    for size in sizes if plan.device else ():
        yield f"{size}, compiled, second start", of(size, 1)
        yield f"{size}, compiled, attention by cuDNN", of(size, 1, 4, cudnn=True)
        for kind in ("fp8", "int8") if find_spec("torchao") else ():
            yield f"{size}, compiled, {kind}", of(size, 1, kind=kind)


def _measure(plan: PlayPlan | ParityPlan, caches: dict[str, str], seconds: float) -> dict[str, Any] | str:
    """What was measured, or why nothing was."""
    if seconds <= 0.0:
        return "the minutes were over"
    command = [sys.executable, "-m", "benchmarks.waypoint_play", as_argument(plan)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, env={**os.environ, **caches}
        )
    except subprocess.TimeoutExpired:
        return "the minutes were over before it was done"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def _kernels(folder: Path) -> dict[str, str]:
    """Where compiled kernels are kept: in the folders that the environment names, or else no longer than this run."""
    names = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
    return {variable: os.environ.get(variable, str(folder / name)) for variable, name in names.items()}


def _machine(plan: Plan) -> str:
    if plan.device is None:
        return f"a toy on the processor, torch {torch.__version__}"
    card: Any = cast("Any", torch.cuda).get_device_properties(0)
    return f"{card.name}, {card.total_memory / (1 << 30):.0f} GiB, torch {torch.__version__}"


def render(results: Results) -> str:
    lines = [f"Waypoint-1.5 with random weights, bf16, on {results.machine}.", ""]
    if results.kernels_kept:
        lines += ["Kernels of an earlier run were there, so the first start is one more second start.", ""]
    lines += ["| | worlds | ms a latent | frames/s each | real time |", "| --- | --- | --- | --- | --- |"]
    for name, told in results.plays.items():
        for count, took in told["step_ms"].items():
            rate = 1e3 * told["frames"] / took
            lines.append(f"| {name} | {count} | {took:.1f} | {rate:.0f} | {'yes' if rate >= _FPS else 'no'} |")
    lines += ["", "| | loaded, s | first frames, s | peak, MiB | snapshot, MiB | to the host, ms | back, ms |"]
    lines[-1] += " model to the host, ms | back, ms |"
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, told in results.plays.items():
        numbers = [f"{told[key]:.1f}" for key in ("loaded_s", "first_frames_s")]
        numbers += [f"{told[key] / _MIB:.0f}" for key in ("peak_bytes", "snapshot_bytes")]
        numbers += [f"{told[key]:.0f}" for key in ("snapshot_ms", "restore_ms", "park_ms", "resume_ms")]
        lines.append(f"| {name} | {' | '.join(numbers)} |")
    lines += [
        "",
        "| against float32 with the same constants | first latent | last | worst |",
        "| --- | --- | --- | --- |",
    ]
    for name, errors in results.parity.items():
        lines.append(f"| {name} | {errors[0]:.2g} | {errors[-1]:.2g} | {max(errors):.2g} |")
    lines += ["", f"The bound for 720p on an H100 is {_BOUND_MS} ms a latent; the aim is twice that."]
    lines += [f"Left out: {one}." for one in results.left_out]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=_DEFAULTS.minutes, help="when to stop (default: %(default)s)")
    parser.add_argument("--toy", action="store_true", help="a toy on the processor, to see that this runs")
    told = parser.parse_args()
    if not told.toy and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; --toy runs on the processor")
    print(render(run(Plan(None if told.toy else "cuda", told.minutes))))


if __name__ == "__main__":
    main()
